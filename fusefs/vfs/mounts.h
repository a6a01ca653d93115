// SPDX-License-Identifier: Apache-2.0
//
// The mounts of grabfs in this mount namespace, from /proc/self/mountinfo. Asking the kernel's
// table, unlike stat(), never waits for a daemon that hangs or is gone.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace grabfs {

inline constexpr char kFileSystemType[] = "fuse.grabfs";

struct Mount {
  std::string mountpoint;
  std::string type;
  dev_t device = 0;
};

// The topmost mount on exactly this absolute path; nullopt when nothing is mounted there.
std::optional<Mount> FindMount(const std::string& mountpoint);
// 0 when nothing is mounted there.
dev_t MountDeviceNumber(const std::string& mountpoint);

}  // namespace grabfs
