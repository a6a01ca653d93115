// SPDX-License-Identifier: Apache-2.0
//
// Who makes a request, as the kernel tells it.
#pragma once

#include <sys/types.h>

#include <vector>

namespace grabfs {

struct Caller {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;  // of the thread; 0 when it is in a PID namespace that we do not see
};

// The groups of a thread beside its own one, as long as it lives; none where they cannot be told.
std::vector<gid_t> SupplementaryGroups(pid_t thread);

}  // namespace grabfs
