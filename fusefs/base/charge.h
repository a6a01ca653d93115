// SPDX-License-Identifier: Apache-2.0
//
// Memory on somebody else's account. The kernel charges page cache to the memory cgroup of the
// process that first touches it, and there is no call to charge another. So a short-lived child is
// put into the cgroup in question and touches the pages; they stay on that account for good.
//
// The child also stands between the OOM killer and the daemon: should the cgroup be full after all,
// it is the child that dies.
#pragma once

#include <sys/types.h>

#include <functional>

namespace grabfs {

struct ChargedWork {
  int error = 0;  // of the work: 0 or an errno value; ENOMEM when the child was killed
  bool to_caller = false;
};

// Runs `work` in a child that belongs to the memory cgroup of process `pid`, where that is
// permitted, and else to ours. The child shares our descriptors, not our memory: it may make system
// calls, and must not allocate, lock or throw. Returns when it has ended.
ChargedWork RunCharged(pid_t pid, const std::function<int()>& work);

}  // namespace grabfs
