// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/request_timeout.h"

#include <algorithm>
#include <fstream>

namespace grabfs {
namespace {

// 0 where there is no such limit, or no such kernel.
uint32_t Read(const std::string& path) {
  uint32_t seconds = 0;
  std::ifstream(path) >> seconds;
  return seconds;
}

}  // namespace

uint16_t WantedRequestTimeout(const std::string& sysctls) {
  return Read(sysctls + "/default_request_timeout") != 0 ? UINT16_MAX : 0;
}

std::optional<std::string> RequestTimeoutWarning(const std::string& sysctls) {
  const uint32_t wanted = WantedRequestTimeout(sysctls);
  const uint32_t most = Read(sysctls + "/max_request_timeout");
  if (wanted == 0 && most == 0) return std::nullopt;
  const std::string name = most != 0 ? "max_request_timeout" : "default_request_timeout";
  const uint32_t seconds = most != 0 ? std::min(most, uint32_t{UINT16_MAX}) : wanted;
  return "the kernel will end the mount when a reader waits for " + std::to_string(seconds) +
         " seconds: 'sysctl fs.fuse." + name + "=0', then mount again";
}

}  // namespace grabfs
