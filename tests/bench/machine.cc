// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/machine.h"

#include <sys/utsname.h>

#include <fstream>
#include <thread>

#include "tests/bench/daemon.h"

namespace grabfs::bench {
namespace {

std::string ProcessorName() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

std::string KernelRelease() {
  utsname name{};
  ::uname(&name);
  return std::string(name.release) + " " + name.machine;
}

}  // namespace

Machine DescribeMachine(const Context& context) {
  const Daemon daemon(context, {"cam0=pattern,width=16,height=16,state=stopped,buffers=1"});
  const nlohmann::json status = daemon.Status();
  return {.version = status.at("version"),
          .kernel = KernelRelease(),
          .processor = ProcessorName(),
          .cpus = std::thread::hardware_concurrency(),
          .data_path = status.at("data_path"),
          .data_path_reason = status.at("data_path_reason")};
}

}  // namespace grabfs::bench
