// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/mount_info.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

namespace grabfs {
namespace {

// Blanks, tabs, line ends and backslashes stand as \ooo.
std::string Unescape(std::string_view text) {
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view digits = text.substr(i + 1, 3);
    if (text[i] == '\\' && digits.size() == 3 && std::ranges::all_of(digits, is_octal)) {
      plain += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + digits[2] - '0');
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS [FIELD...] - TYPE SOURCE SUPEROPTIONS
std::optional<MountInfo> ParseLine(const std::string& line) {
  const size_t separator = line.find(" - ");
  if (separator == std::string::npos) return std::nullopt;
  std::istringstream front(line.substr(0, separator));
  std::istringstream back(line.substr(separator + 3));
  std::string id, parent, root, mountpoint, source;
  unsigned major = 0;
  unsigned minor = 0;
  char colon = 0;
  MountInfo mount;
  front >> id >> parent >> major >> colon >> minor >> root >> mountpoint;
  back >> mount.type >> source >> mount.super_options;
  if (!front || mount.type.empty()) return std::nullopt;
  mount.device = makedev(major, minor);
  mount.root = Unescape(root);
  mount.mountpoint = Unescape(mountpoint);
  mount.source = Unescape(source);
  return mount;
}

}  // namespace

std::vector<MountInfo> ParseMountInfo(std::string_view text) {
  std::vector<MountInfo> mounts;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (auto mount = ParseLine(line)) mounts.push_back(std::move(*mount));
  }
  return mounts;
}

std::vector<MountInfo> ReadMountInfo(const std::string& proc) {
  std::ifstream file(proc + "/self/mountinfo");
  return ParseMountInfo(std::string(std::istreambuf_iterator<char>(file), {}));
}

std::optional<MountInfo> FindMount(const std::string& mountpoint) {
  std::optional<MountInfo> found;
  for (MountInfo& mount : ReadMountInfo()) {
    // A later mount covers an earlier one.
    if (mount.mountpoint == mountpoint) found = std::move(mount);
  }
  return found;
}

dev_t MountDeviceNumber(const std::string& mountpoint) {
  const auto mount = FindMount(mountpoint);
  return mount ? mount->device : 0;
}

}  // namespace grabfs
