// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/fair_pool.h"

#include <system_error>
#include <utility>

#include "fusefs/base/thread.h"

namespace grabfs::alloc {

FairPool::~FairPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    if (threads_.empty() && queue_.waiting() > 0) WakeThread();
  }
  woken_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void FairPool::Post(uid_t user, Slice slice) {
  const std::lock_guard lock(mutex_);
  queue_.Add({OwnerOf(user), std::move(slice)});
  // A thread that runs a job of this user takes this one afterwards by itself.
  if (++jobs_[user] == 1 || threads_.empty()) WakeThread();
}

void FairPool::AwaitIdle() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return jobs_.empty(); });
}

void FairPool::WakeThread() {
  if (idle_ > 0) {
    --idle_;
    ++wakeups_;
    woken_.notify_one();
  } else if (threads_.size() < kMaxThreads) {
    try {
      threads_.push_back(StartThread("alloc", [this] { Run(); }));
    } catch (const std::system_error&) {
      // The system has no more threads. The existing ones run it; without any, the next Post()
      // tries again.
    }
  }
}

void FairPool::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (auto job = queue_.Next()) {
      Serve(lock, std::move(*job));
    } else if (ending_) {
      return;
    } else {
      ++idle_;
      woken_.wait(lock, [this] { return wakeups_ > 0 || ending_; });
      if (wakeups_ > 0) --wakeups_;
    }
  }
}

void FairPool::Serve(std::unique_lock<Mutex>& lock, FairQueue<Slice>::Job job) {
  lock.unlock();
  const bool more = job.item();
  if (!more) job.item = nullptr;  // freed without the lock: it may own much
  lock.lock();
  queue_.Done(job.owner);
  if (more) return queue_.Add(std::move(job));
  const auto jobs = jobs_.find(job.owner.user);
  if (--jobs->second == 0) jobs_.erase(jobs);
  if (jobs_.empty()) done_.notify_all();
}

}  // namespace grabfs::alloc
