// SPDX-License-Identifier: Apache-2.0
//
// Runs the changes of one file one after the other, each in slices in the FairPool on behalf of its
// user.
//
// Threads: any.
#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <mutex>

#include "fusefs/alloc/fair_pool.h"
#include "fusefs/base/mutex.h"

namespace grabfs::alloc {

class ChangeQueue {
 public:
  // `pool` outlives it.
  explicit ChangeQueue(FairPool* pool) : pool_(pool) {}

  // `after` is called when the change is done and the next one may begin. Both callbacks may own
  // the owner of this queue.
  void Post(uid_t user, FairPool::Slice change, std::function<void()> after);
  // Runs a short change in this thread if no other is posted. False: one is, so it was not run.
  bool RunIfIdle(const std::function<void()>& change);
  // A posted change is not done yet.
  [[nodiscard]] bool busy() const;

 private:
  struct Waiting {
    uid_t user = 0;
    FairPool::Slice change;
    std::function<void()> after;
  };

  void Start(uid_t user);
  bool RunSlice();
  // The first change is done.
  void Finish();

  FairPool* const pool_;
  mutable Mutex mutex_;          // guards what follows; leaf
  std::deque<Waiting> waiting_;  // the first one is under way
};

}  // namespace grabfs::alloc
