// SPDX-License-Identifier: Apache-2.0
#include "fusefs/fuse/pending.h"

#include <cerrno>
#include <utility>

namespace grabfs {

void PendingRequests::Ticket::Waits(GiveUp give_up) {
  {
    const std::lock_guard lock(mutex_);
    give_up_ = std::move(give_up);
  }
  Settle();
}

void PendingRequests::Ticket::Finish() {
  {
    const std::lock_guard lock(owner_->mutex_);
    owner_->waiting_.erase(req_);
  }
  const std::lock_guard lock(mutex_);
  finished_ = true;
}

void PendingRequests::Ticket::Interrupt() {
  {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
  }
  Settle();
}

void PendingRequests::Ticket::Settle() {
  {
    const std::lock_guard lock(mutex_);
    if (finished_ || !interrupted_ || !give_up_ || !give_up_()) return;
    finished_ = true;
  }
  {
    const std::lock_guard lock(owner_->mutex_);
    owner_->waiting_.erase(req_);
  }
  fuse_reply_err(req_, EINTR);
}

std::shared_ptr<PendingRequests::Ticket> PendingRequests::Add(fuse_req_t req) {
  auto ticket = std::make_shared<Ticket>(this, req);
  {
    const std::lock_guard lock(mutex_);
    waiting_[req] = ticket;
  }
  fuse_req_interrupt_func(req, OnInterrupt, this);
  return ticket;
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
