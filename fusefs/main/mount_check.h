// SPDX-License-Identifier: Apache-2.0
//
// What can be wrong with a mount point before anything is mounted, said in words.
#pragma once

#include <string>

namespace grabfs {

// Throws Error when grabfs cannot be mounted there: missing, not a directory, a live grabfs mount
// already, no /dev/fuse. A dead mount that an earlier daemon left behind is cleaned up and logged.
void CheckMountpoint(const std::string& mountpoint);

}  // namespace grabfs
