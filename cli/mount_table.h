// SPDX-License-Identifier: Apache-2.0
//
// The mounts of grabfs, and how they are.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"
#include "fusefs/base/mount_info.h"

namespace grabfs::cli {

// Those of type fuse.grabfs, in their order; of several that lie on one mount point only the last
// one, which is the one that can be reached.
std::vector<MountInfo> OnlyGrabfs(std::vector<MountInfo> mounts);

// Those of this process.
std::vector<MountInfo> GrabfsMounts(const SystemPaths& system);

enum class MountHealth {
  kAlive,
  kStale,   // its daemon is gone: every access gives ENOTCONN
  kClosed,  // somebody else's, mounted without allow_other
};

MountHealth ExamineMountpoint(const std::string& mountpoint);

}  // namespace grabfs::cli
