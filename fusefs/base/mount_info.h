// SPDX-License-Identifier: Apache-2.0
//
// The kernel's table of mounts, /proc/PID/mountinfo (proc(5)). Reading it, unlike stat(2), never
// waits for a FUSE daemon that hangs or has died.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace grabfs {

inline constexpr char kFileSystemType[] = "fuse.grabfs";

struct MountInfo {
  dev_t device = 0;
  std::string root = {};  // the directory of the filesystem that the mount shows
  std::string mountpoint = {};
  std::string type = {};
  std::string source = {};
  std::string super_options = {};  // comma-separated

  friend bool operator==(const MountInfo&, const MountInfo&) = default;
};

// In the order of mounting. Skips lines that it cannot parse.
std::vector<MountInfo> ParseMountInfo(std::string_view text);
// Those of this process; `proc`: where proc is mounted. None when it cannot be read.
std::vector<MountInfo> ReadMountInfo(const std::string& proc = "/proc");

// The topmost mount on exactly this absolute path; nullopt when nothing is mounted there.
std::optional<MountInfo> FindMount(const std::string& mountpoint);
// 0 when nothing is mounted there.
dev_t MountDeviceNumber(const std::string& mountpoint);

}  // namespace grabfs
