// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/mount_options.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>

#include "fusefs/base/error.h"
#include "fusefs/main/accounts.h"
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

mode_t ParseFileMode(const std::string& what, const std::string& text) {
  const mode_t mode = ParseMode(what, text, 0777);
  if ((mode & 0111) == 0) return mode;
  throw Error(EINVAL, what + "=" + text +
                          ": files cannot be executed: write digits 0, 2, 4 and 6, as in 640; "
                          "directories get their x from these");
}

// The switch `name`, which is `auto` or `other`. Returns whether it is `other`.
bool ParseSwitch(const std::string& name, const std::string& value, std::string_view other) {
  if (value == other) return true;
  if (value == "auto") return false;
  throw Error(EINVAL, "-o " + name + "=" + value + ": use auto or " + std::string(other));
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

constexpr std::array<MountOption, 14> kOptions = {{
    {"uid=", "owner of the files, a name or a number",
     [](const std::string& value, DaemonOptions& options) {
       options.file_system.uid = ParseUser("-o uid", value);
     }},
    {"gid=", "group of the files, a name or a number",
     [](const std::string& value, DaemonOptions& options) {
       options.file_system.gid = ParseGroup("-o gid", value);
     }},
    {"umask=", "permissions that the files lack, octal",
     [](const std::string& value, DaemonOptions& options) {
       options.file_system.modes.umask = ParseMode("-o umask", value, 0777);
     }},
    {"frame_mode=", "mode of what shows pictures, octal; instead of umask=",
     [](const std::string& value, DaemonOptions& options) {
       options.file_system.modes.frame = ParseFileMode("-o frame_mode", value);
     }},
    {"control_mode=", "mode of the settings, octal; instead of umask=",
     [](const std::string& value, DaemonOptions& options) {
       options.file_system.modes.control = ParseFileMode("-o control_mode", value);
     }},
    {"passthrough=", "auto, or off: never let the kernel read the daemon's pages itself",
     [](const std::string& value, DaemonOptions& options) {
       options.passthrough = !ParseSwitch("passthrough", value, "off");
     }},
    {"handles=",
     "auto, or on: file handles with passthrough, too, so that NFS can export the mount",
     [](const std::string& value, DaemonOptions& options) {
       options.handles = ParseSwitch("handles", value, "on");
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

bool IsForMount(const std::string& word) {
  constexpr std::array<std::string_view, 8> kWords = {"auto",    "noauto",  "user",     "nofail",
                                                      "_netdev", "remount", "defaults", "rw"};
  return word.starts_with("x-") || std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

void ApplyMountOptions(const std::string& words, DaemonOptions& options) {
  for (const std::string& option : Split(words, ',')) {
    ApplyMountOption(option, options);
    options.remount |= option == "remount";
    std::string& all = options.file_system.options;
    all += (all.empty() ? "" : ",") + option;
  }
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
