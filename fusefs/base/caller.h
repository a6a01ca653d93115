// SPDX-License-Identifier: Apache-2.0
//
// Who makes a request, as the kernel tells it.
#pragma once

#include <sys/types.h>

namespace grabfs {

struct Caller {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;  // of the thread; 0 when it is in a PID namespace that we do not see
};

}  // namespace grabfs
