// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/change_queue.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace grabfs::alloc {

void ChangeQueue::Post(uid_t user, FairPool::Slice change, std::function<void()> after) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({user, std::move(change), std::move(after)});
    if (waiting_.size() > 1) return;
  }
  Start(user);
}

bool ChangeQueue::RunIfIdle(const std::function<void()>& change) {
  {
    const std::lock_guard lock(mutex_);
    if (!waiting_.empty()) return false;
    waiting_.emplace_back();
  }
  change();
  Finish();
  return true;
}

bool ChangeQueue::busy() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(waiting_, [](const Waiting& one) { return one.change != nullptr; });
}

void ChangeQueue::Start(uid_t user) {
  pool_->Post(user, [this] { return RunSlice(); });
}

bool ChangeQueue::RunSlice() {
  // The reference stays valid: only this thread removes it, and push_back() moves no element.
  const FairPool::Slice* change = nullptr;
  {
    const std::lock_guard lock(mutex_);
    change = &waiting_.front().change;
  }
  if ((*change)()) return true;
  Finish();
  return false;
}

void ChangeQueue::Finish() {
  Waiting done;  // destroyed last: it may own the owner of this queue
  std::optional<uid_t> next;
  {
    const std::lock_guard lock(mutex_);
    done = std::move(waiting_.front());
    waiting_.pop_front();
    if (!waiting_.empty()) next = waiting_.front().user;
  }
  if (next) Start(*next);
  if (done.after) done.after();
}

}  // namespace grabfs::alloc
