// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/caller.h"

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace grabfs {

std::vector<gid_t> SupplementaryGroups(pid_t thread) {
  constexpr std::string_view kKey = "Groups:";
  std::vector<gid_t> groups;
  // 0: somebody in a PID namespace that we do not see.
  if (thread <= 0) return groups;
  std::ifstream status("/proc/" + std::to_string(thread) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(kKey)) continue;
    std::istringstream numbers(line.substr(kKey.size()));
    for (gid_t group = 0; numbers >> group;) groups.push_back(group);
    break;
  }
  return groups;
}

}  // namespace grabfs
