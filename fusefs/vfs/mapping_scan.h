// SPDX-License-Identifier: Apache-2.0
//
// Which files of a file system are mapped by any process, read from /proc/PID/maps. With FUSE
// passthrough a mapping belongs to the backing file, but /proc shows the FUSE file through which it
// was made (Linux 6.8, file_user_inode()), which tells a frame's reader from one who follows the
// live buffer in the same memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <unordered_set>

namespace grabfs {

// The inode numbers of all mapped files on `device`, but for what the process of the thread
// `except` has mapped (0: all processes). nullopt when the answer cannot be trusted: a process
// could not be read, processes appear faster than they can be read, or the caller does not see all
// processes (it is in a PID namespace of its own). Costs about 50 us for each process.
//
// A mapping that exists during the whole scan is found: only a new process can come to have it (by
// fork), so the scan ends when a fresh listing shows no process that has not been read.
std::optional<std::unordered_set<uint64_t>> ScanMappings(dev_t device, pid_t except = 0);

}  // namespace grabfs
