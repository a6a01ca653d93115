// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/caller.h"

#include <csignal>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

namespace grabfs {

namespace {

// A field of /proc/THREAD/status; nullopt when there is no such thread.
std::optional<std::string> StatusField(pid_t thread, std::string_view key) {
  std::ifstream status("/proc/" + std::to_string(thread) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return line.substr(key.size());
  }
  return std::nullopt;
}

}  // namespace

std::vector<gid_t> SupplementaryGroups(pid_t thread) {
  std::vector<gid_t> groups;
  // 0: a process in a PID namespace that the daemon cannot see.
  if (thread <= 0) return groups;
  std::istringstream numbers(StatusField(thread, "Groups:").value_or(""));
  for (gid_t group = 0; numbers >> group;) groups.push_back(group);
  return groups;
}

// The kernel ends a process by SIGKILL to each thread, whatever signal was the cause.
bool IsDying(pid_t thread) {
  if (thread <= 0) return false;
  const auto pending = StatusField(thread, "SigPnd:");
  if (!pending) return true;
  return (std::stoull(*pending, nullptr, 16) >> (SIGKILL - 1) & 1) != 0;
}

}  // namespace grabfs
