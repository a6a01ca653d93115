// SPDX-License-Identifier: Apache-2.0
//
// The kernel's table of mounts (/proc/PID/mountinfo), reduced to what concerns grabfs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/context.h"

namespace grabfs::cli {

struct MountEntry {
  std::string mountpoint;
  std::string source;
  unsigned device_major = 0;
  unsigned device_minor = 0;

  friend bool operator==(const MountEntry&, const MountEntry&) = default;
};

// The entries of type fuse.grabfs in the text of a mountinfo file, in its order; of several that
// lie on one mount point only the last one, which is the one that can be reached.
std::vector<MountEntry> ParseMountTable(std::string_view mountinfo);

// Those of this process.
std::vector<MountEntry> GrabfsMounts(const SystemPaths& system);

enum class MountHealth {
  kAlive,
  kStale,   // its daemon is gone: every access gives ENOTCONN
  kClosed,  // somebody else's, mounted without allow_other
};

MountHealth ExamineMountpoint(const std::string& mountpoint);

}  // namespace grabfs::cli
