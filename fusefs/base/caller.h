// SPDX-License-Identifier: Apache-2.0
//
// The process that makes a request, as the kernel reports it in the FUSE request header.
#pragma once

#include <sys/types.h>

#include <vector>

namespace grabfs {

struct Caller {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;  // of the thread; 0 when it is in a PID namespace that the daemon cannot see
};

// The supplementary groups of a thread, read from /proc. Empty when it has ended or cannot be read.
std::vector<gid_t> SupplementaryGroups(pid_t thread);

// Whether the thread has ended or has a SIGKILL pending: then nobody waits for its requests.
bool IsDying(pid_t thread);

}  // namespace grabfs
