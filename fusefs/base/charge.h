// SPDX-License-Identifier: Apache-2.0
//
// Allocates memory that the kernel charges to the memory cgroup of another process. The kernel
// charges page cache to the cgroup of the address space that first touches it, and has no call to
// charge another one. So two short-lived processes share one address space. The *payer* owns it
// (mm->owner), is moved into that cgroup and does nothing. The *worker* stays outside and touches
// the pages, which stay charged there for good.
//
// There are two processes because whoever owns a cgroup can freeze its members: a frozen payer does
// not stop the worker.
//
// If the cgroup runs out of memory, the OOM killer kills these two and not the daemon.
#pragma once

#include <sys/types.h>

#include <functional>

#include "fusefs/base/unique_fd.h"

namespace grabfs {

// The cgroup that memory is charged to.
class Account {
 public:
  // The memory cgroup of the daemon.
  Account() = default;
  // That of the thread or process `pid` if the daemon may move a process into it; else the
  // daemon's. Reads /proc.
  static Account Of(pid_t pid);

 private:
  friend struct ChargedWork RunCharged(const Account& account, const std::function<int()>& work,
                                       const std::function<bool()>& gives_up);

  UniqueFd procs_;        // the cgroup.procs file that the payer joins; invalid: it joins none
  bool callers_ = false;  // the daemon is in the cgroup of `pid` already
};

struct ChargedWork {
  // 0, or the errno value that `work` returned. ENOMEM: the OOM killer ended it; EINTR: given up.
  int error = 0;
  bool to_caller = false;  // the memory was charged to the account's process
};

// Runs `work` in a process whose memory is charged to `account`, and waits for its end. The process
// shares the daemon's descriptors, not its memory: `work` may make system calls, and must not
// allocate, lock or throw. `gives_up`, if not null, is called by this thread ten times a second;
// once it returns true the process is killed.
ChargedWork RunCharged(const Account& account, const std::function<int()>& work,
                       const std::function<bool()>& gives_up = nullptr);

}  // namespace grabfs
