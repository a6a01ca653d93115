// SPDX-License-Identifier: Apache-2.0
//
// Which files of a file system are mapped by any process, read from /proc/PID/maps. With FUSE
// passthrough a mapping belongs to the backing file, but /proc shows the FUSE file through which it
// was made (Linux 6.8, file_user_inode()). So it distinguishes readers of a frame from followers of
// the live buffer in the same memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <unordered_set>

namespace grabfs {

enum class MappedFor { kAnything, kWriting };

// The inode numbers of all files on `device` that are mapped for this purpose, without the mappings
// of the process of the thread `except` (0: of all processes). nullopt if the answer is not
// certain: a process could not be read, processes appear faster than they can be read, or the
// daemon does not see all processes (it is in a PID namespace). Costs about 50 us for each process.
//
// A mapping that exists during the whole scan is found. Only a new process can get it meanwhile, by
// fork. So the scan ends when a new listing of /proc shows no process that was not read yet.
std::optional<std::unordered_set<uint64_t>> ScanMappings(dev_t device, pid_t except = 0,
                                                         MappedFor purpose = MappedFor::kAnything);

}  // namespace grabfs
