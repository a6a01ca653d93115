// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/pending.h"

#include <cerrno>
#include <utility>

#include "fusefs/base/error.h"

namespace grabfs {

void PendingRequests::Ticket::Waits(GiveUp give_up) {
  {
    const std::lock_guard lock(mutex_);
    give_up_ = std::move(give_up);
  }
  ReplyIfInterrupted();
}

void PendingRequests::Ticket::Finish() {
  owner_->Remove(req_);
  const std::lock_guard lock(mutex_);
  finished_ = true;
}

void PendingRequests::Ticket::Interrupt() {
  {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
  }
  ReplyIfInterrupted();
}

void PendingRequests::Ticket::ReplyIfInterrupted() {
  {
    const std::lock_guard lock(mutex_);
    if (finished_ || !interrupted_ || !give_up_ || !give_up_()) return;
    finished_ = true;
  }
  owner_->Remove(req_);
  fuse_reply_err(req_, EINTR);
}

std::shared_ptr<PendingRequests::Ticket> PendingRequests::Add(fuse_req_t req) {
  auto ticket = std::make_shared<Ticket>(this, req);
  {
    const std::lock_guard lock(mutex_);
    const auto of_user = of_users_.find(ticket->user_);
    if (waiting_.size() >= kMaxWaiting ||
        (of_user != of_users_.end() && of_user->second >= kMaxOfOneUser)) {
      throw Error(EDQUOT, "too many requests wait already");
    }
    waiting_[req] = ticket;
    ++of_users_[ticket->user_];
  }
  fuse_req_interrupt_func(req, OnInterrupt, this);
  return ticket;
}

void PendingRequests::Remove(fuse_req_t req) {
  const std::lock_guard lock(mutex_);
  const auto it = waiting_.find(req);
  if (it == waiting_.end()) return;
  const auto of_user = of_users_.find(it->second->user_);
  if (--of_user->second == 0) of_users_.erase(of_user);
  waiting_.erase(it);
}

void PendingRequests::OnInterrupt(fuse_req_t req, void* self) {
  auto& pending = *static_cast<PendingRequests*>(self);
  std::shared_ptr<Ticket> ticket;
  {
    const std::lock_guard lock(pending.mutex_);
    const auto it = pending.waiting_.find(req);
    if (it == pending.waiting_.end()) return;
    ticket = it->second;
  }
  pending.tasks_->Post([ticket] { ticket->Interrupt(); });
}

}  // namespace grabfs
