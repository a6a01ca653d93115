// SPDX-License-Identifier: Apache-2.0
//
// Finds the mounts of grabfs and checks whether they work.
#pragma once

#include <string>
#include <vector>

#include "cli/base/context.h"
#include "fusefs/base/mount_info.h"

namespace grabfs::cli {

// The mounts of type fuse.grabfs, in their order. Of several on one mount point only the last,
// which covers the others.
std::vector<MountInfo> OnlyGrabfs(std::vector<MountInfo> mounts);

// The same, of the mounts of this process.
std::vector<MountInfo> GrabfsMounts(const SystemPaths& system);

enum class MountHealth {
  kAlive,
  kStale,   // its daemon is gone: every access gives ENOTCONN
  kClosed,  // of another user, mounted without allow_other
};

MountHealth ExamineMountpoint(const std::string& mountpoint);

}  // namespace grabfs::cli
