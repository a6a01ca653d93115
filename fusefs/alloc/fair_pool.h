// SPDX-License-Identifier: Apache-2.0
//
// Threads for work that takes long. Each user has one thread at most, so that no user waits for the
// work of another. The jobs of one user run in slices, in rotation, so that a small job does not
// wait for a large one.
//
// Threads: any.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "fusefs/base/fair_queue.h"
#include "fusefs/base/mutex.h"

namespace grabfs::alloc {

class FairPool {
 public:
  // A slice of some work, which should not take longer than some milliseconds. True: there is more.
  // Throws nothing.
  using Slice = std::function<bool()>;

  // If more users than this have jobs, they wait for each other.
  static constexpr size_t kMaxThreads = 64;

  FairPool() = default;
  // Returns when all posted jobs are done.
  ~FairPool();
  FairPool(const FairPool&) = delete;
  FairPool& operator=(const FairPool&) = delete;

  // On behalf of this user.
  void Post(uid_t user, Slice slice);
  // Returns when there are no jobs.
  void AwaitIdle();

 private:
  static JobOwner OwnerOf(uid_t user) { return {.place = 0, .user = user}; }

  void Run();
  void Serve(std::unique_lock<Mutex>& lock, FairQueue<Slice>::Job job);
  // Expects mutex_ to be held.
  void WakeThread();

  Mutex mutex_;  // guards all below; leaf
  Condition woken_;
  Condition done_;  // a job is done
  FairQueue<Slice> queue_{1};
  std::map<uid_t, size_t> jobs_;  // of each user, not done; none that is 0
  size_t idle_ = 0;               // threads that sleep and have not been woken
  size_t wakeups_ = 0;            // that no thread has taken yet
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace grabfs::alloc
