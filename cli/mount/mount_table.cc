// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/mount_table.h"

#include <utility>

#include "cli/base/exit_code.h"
#include "cli/base/file.h"
#include "fusefs/base/error.h"

namespace grabfs::cli {

std::vector<MountInfo> OnlyGrabfs(std::vector<MountInfo> mounts) {
  std::vector<MountInfo> visible;
  for (MountInfo& mount : mounts) {
    std::erase_if(visible, [&mount](const MountInfo& covered) {
      return covered.mountpoint == mount.mountpoint;
    });
    if (mount.type == kFileSystemType) visible.push_back(std::move(mount));
  }
  return visible;
}

std::vector<MountInfo> GrabfsMounts(const SystemPaths& system) {
  return OnlyGrabfs(ReadMountInfo(system.proc.string()));
}

MountHealth ExamineMountpoint(const std::string& mountpoint) {
  // Not stat(): the kernel may still answer that from its cache.
  try {
    ReadFile(mountpoint + "/status.json");
    return MountHealth::kAlive;
  } catch (const Error& error) {
    return DaemonIsGone(error) ? MountHealth::kStale : MountHealth::kClosed;
  }
}

}  // namespace grabfs::cli
