// SPDX-License-Identifier: Apache-2.0
//
// Limits how many writes wait for memory. Each keeps its data in the daemon. An asynchronous one
// also takes one of the kernel's max_background slots, which RELEASE needs, too.
//
// Threads: any.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "fusefs/base/mutex.h"

namespace grabfs::alloc {

class Backlog {
 public:
  // Together with the limits in fuse/pending.h these leave some slots free.
  static constexpr size_t kMost = 192;
  static constexpr size_t kMostOfOneUser = 64;

  // Counts one more write until the result is destroyed. Throws Error(EDQUOT).
  [[nodiscard]] std::shared_ptr<void> Enter(uid_t user);

 private:
  void Leave(uid_t user);

  Mutex mutex_;  // guards all below; leaf
  std::map<uid_t, size_t> waiting_;
  size_t total_ = 0;
};

}  // namespace grabfs::alloc
