// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/mount_options.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>

#include "fusefs/base/error.h"
#include "fusefs/main/numbers.h"

namespace grabfs {
namespace {

mode_t ParseMode(const std::string& what, const std::string& text, mode_t max) {
  const mode_t mode = ParseUint(what + " (octal)", text, 8);
  if (mode <= max) return mode;
  std::ostringstream limit;
  limit << std::oct << max;
  throw Error(EINVAL, what + "=" + text + ": must be at most " + limit.str());
}

bool ParsePassthrough(const std::string& value) {
  if (value == "off") return false;
  if (value == "auto") return true;
  throw Error(EINVAL, "-o passthrough=" + value + ": use auto or off");
}

unsigned ParseHoldLimit(const std::string& value) {
  if (value.ends_with('%')) {
    const uint32_t percent = ParseUint("-o hold_limit", value.substr(0, value.size() - 1), 10);
    if (percent >= 1 && percent <= 100) return percent;
  }
  throw Error(EINVAL, "-o hold_limit=" + value +
                          ": write which part of a device's buffers one user may hold, from 1% to "
                          "100%");
}

constexpr std::array<MountOption, 11> kOptions = {{
    {"uid=", "owner of the files, a number",
     [](const std::string& value, DaemonOptions& options) {
       options.file_system.uid = ParseUint("-o uid", value, 10);
     }},
    {"gid=", "group of the files, a number",
     [](const std::string& value, DaemonOptions& options) {
       options.file_system.gid = ParseUint("-o gid", value, 10);
     }},
    {"umask=", "permissions that the files lack, octal",
     [](const std::string& value, DaemonOptions& options) {
       options.file_system.umask = ParseMode("-o umask", value, 0777);
     }},
    {"passthrough=", "auto, or off: never let the kernel read the daemon's pages itself",
     [](const std::string& value, DaemonOptions& options) {
       options.passthrough = ParsePassthrough(value);
     }},
    {"alloc_size=", "limit of alloc/ for all users together: 64M, 2G, 25%",
     [](const std::string& value, DaemonOptions& options) {
       options.file_system.alloc_limits.total_bytes = ParseBytes("-o alloc_size", value);
     }},
    {"alloc_quota=", "limit of alloc/ for each user",
     [](const std::string& value, DaemonOptions& options) {
       options.file_system.alloc_limits.user_bytes = ParseBytes("-o alloc_quota", value);
     }},
    {"alloc_mode=", "mode of the directories of alloc/, octal",
     [](const std::string& value, DaemonOptions& options) {
       options.file_system.alloc_mode = ParseMode("-o alloc_mode", value, 07777);
     }},
    {"hold_limit=", "part of a device's buffers that one user may hold: 50%",
     [](const std::string& value, DaemonOptions& options) {
       options.file_system.hold_percent = ParseHoldLimit(value);
     }},
    {"allow_other", "let other users in (an ordinary user needs user_allow_other in fuse.conf)",
     nullptr},
    {"ro", "nothing can be written, not even attributes", nullptr},
    {"nodev", "as with any file system", nullptr},
}};

// Options of mount(8) and systemd that fstab may have; ignored.
bool IsForMount(const std::string& key) {
  constexpr std::array<std::string_view, 7> kWords = {"auto",    "noauto",   "user", "nofail",
                                                      "_netdev", "defaults", "rw"};
  return key.starts_with("x-") || std::find(kWords.begin(), kWords.end(), key) != kWords.end();
}

const MountOption* FindOwn(const std::string& key) {
  for (const MountOption& option : kOptions) {
    if (option.apply != nullptr && option.name == key + "=") return &option;
  }
  return nullptr;
}

void ApplyMountOption(const std::string& option, DaemonOptions& options) {
  const size_t equals = option.find('=');
  const std::string key = option.substr(0, equals);
  const std::string value = equals == std::string::npos ? "" : option.substr(equals + 1);
  if (const MountOption* own = FindOwn(key)) {
    own->apply(value, options);
  } else if (!IsForMount(key)) {
    options.mount_options += "," + option;
  }
}

}  // namespace

std::span<const MountOption> MountOptions() { return kOptions; }

void ApplyMountOptions(const std::string& words, DaemonOptions& options) {
  for (const std::string& option : Split(words, ',')) ApplyMountOption(option, options);
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

}  // namespace grabfs
