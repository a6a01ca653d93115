// SPDX-License-Identifier: Apache-2.0
//
// Requests that wait for something to happen: reads of `events`, locks. A waiting system call can
// be interrupted by a signal; the kernel then sends FUSE_INTERRUPT and expects EINTR.
//
// libfuse calls the interrupt hook while it holds locks of its own, and possibly while another
// thread is just replying. So the hook only looks up the request here and posts the giving up to
// another thread, and a request is forgotten before it is replied to.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "fusefs/base/task_thread.h"
#include "fusefs/fuse/fuse.h"

namespace grabfs {

class PendingRequests {
 public:
  // Gives up the wait; true: it will not be replied to by anybody else.
  using GiveUp = std::function<bool()>;
  class Ticket {
   public:
    Ticket(PendingRequests* owner, fuse_req_t req) : owner_(owner), req_(req) {}
    // The wait has begun, unless it is over already: an interrupt, also one that has come before,
    // may call `give_up` from now on, until Finish().
    void Waits(GiveUp give_up);
    // To be called directly before the reply, once.
    void Finish();

   private:
    friend class PendingRequests;
    void Interrupt();
    // Replies EINTR when it is time to and the wait can be given up.
    void Settle();

    PendingRequests* const owner_;
    const fuse_req_t req_;
    std::mutex mutex_;  // guards all below; before the locks that give_up_ takes
    bool finished_ = false;
    bool interrupted_ = false;
    GiveUp give_up_;  // null before the wait
  };

  explicit PendingRequests(TaskThread* tasks) : tasks_(tasks) {}

  // Call it before the wait begins, so that no interrupt is missed.
  std::shared_ptr<Ticket> Add(fuse_req_t req);

 private:
  static void OnInterrupt(fuse_req_t req, void* self);

  TaskThread* const tasks_;
  std::mutex mutex_;  // guards waiting_; leaf
  std::map<fuse_req_t, std::shared_ptr<Ticket>> waiting_;
};

}  // namespace grabfs
