// SPDX-License-Identifier: Apache-2.0
#include "cli/mount_table.h"

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <utility>

#include "cli/file.h"
#include "fusefs/base/error.h"

namespace grabfs::cli {
namespace {

// The kernel writes blanks, tabs, line ends and backslashes in names as \ooo.
std::string Unescape(std::string_view text) {
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view digits = text.substr(i + 1, 3);
    if (text[i] == '\\' && digits.size() == 3 &&
        std::all_of(digits.begin(), digits.end(), is_octal)) {
      plain += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + digits[2] - '0');
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// One line: ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS [FIELD...] - TYPE SOURCE SUPEROPTIONS
bool ParseLine(const std::string& line, MountEntry& entry) {
  const size_t separator = line.find(" - ");
  if (separator == std::string::npos) return false;
  std::istringstream front(line.substr(0, separator));
  std::istringstream back(line.substr(separator + 3));
  std::string id, parent, root, mountpoint, type, source;
  char colon = 0;
  front >> id >> parent >> entry.device_major >> colon >> entry.device_minor >> root >> mountpoint;
  back >> type >> source;
  if (!front || type != "fuse.grabfs") return false;
  entry.mountpoint = Unescape(mountpoint);
  entry.source = Unescape(source);
  return true;
}

}  // namespace

std::vector<MountEntry> ParseMountTable(std::string_view mountinfo) {
  std::vector<MountEntry> entries;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    MountEntry entry;
    if (!ParseLine(line, entry)) continue;
    std::erase_if(entries,
                  [&](const MountEntry& other) { return other.mountpoint == entry.mountpoint; });
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<MountEntry> GrabfsMounts(const SystemPaths& system) {
  return ParseMountTable(ReadFile(system.proc / "self" / "mountinfo"));
}

MountHealth ExamineMountpoint(const std::string& mountpoint) {
  // Not stat(): the kernel may still answer that from its cache.
  try {
    ReadFile(mountpoint + "/status.json");
    return MountHealth::kAlive;
  } catch (const Error& error) {
    const bool gone = error.code() == ENOTCONN || error.code() == ECONNABORTED;
    return gone ? MountHealth::kStale : MountHealth::kClosed;
  }
}

}  // namespace grabfs::cli
