// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/mounts.h"

#include <sys/sysmacros.h>

#include <cstdio>
#include <fstream>
#include <sstream>

namespace grabfs {
namespace {

// Blanks, tabs, newlines and backslashes stand as octal escapes in mountinfo (proc(5)).
std::string Unescape(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    if (text[i] == '\\' && std::sscanf(text.c_str() + i, "\\%3o", &code) == 1) {
      plain += static_cast<char>(code);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::optional<Mount> ParseLine(const std::string& line) {
  std::istringstream fields(line);
  std::string id;
  std::string parent;
  std::string device;
  std::string root;
  std::string mountpoint;
  fields >> id >> parent >> device >> root >> mountpoint;
  for (std::string field; fields >> field && field != "-";) {
  }
  Mount mount;
  fields >> mount.type;
  unsigned major = 0;
  unsigned minor = 0;
  if (!fields || std::sscanf(device.c_str(), "%u:%u", &major, &minor) != 2) return std::nullopt;
  mount.mountpoint = Unescape(mountpoint);
  mount.device = makedev(major, minor);
  return mount;
}

}  // namespace

std::optional<Mount> FindMount(const std::string& mountpoint) {
  std::optional<Mount> found;
  std::ifstream mountinfo("/proc/self/mountinfo");
  for (std::string line; std::getline(mountinfo, line);) {
    // A later mount covers an earlier one.
    if (auto mount = ParseLine(line); mount && mount->mountpoint == mountpoint) found = mount;
  }
  return found;
}

dev_t MountDeviceNumber(const std::string& mountpoint) {
  const auto mount = FindMount(mountpoint);
  return mount ? mount->device : 0;
}

}  // namespace grabfs
