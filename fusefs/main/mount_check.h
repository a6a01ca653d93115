// SPDX-License-Identifier: Apache-2.0
//
// Checks a mount point before anything is mounted.
#pragma once

#include <string>

namespace grabfs {

// Throws Error when grabfs cannot be mounted there: missing, not a directory, a live grabfs mount
// already, no /dev/fuse. Unmounts a dead mount that an earlier daemon has left, and logs that.
void CheckMountpoint(const std::string& mountpoint);

}  // namespace grabfs
