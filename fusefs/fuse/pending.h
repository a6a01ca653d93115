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
  // Claims the right to reply; may be called once.
  class Ticket {
   public:
    Ticket(PendingRequests* owner, fuse_req_t req, GiveUp give_up)
        : owner_(owner), req_(req), give_up_(std::move(give_up)) {}
    // To be called directly before the reply.
    void Finish();

   private:
    friend class PendingRequests;
    void Interrupt();

    PendingRequests* const owner_;
    const fuse_req_t req_;
    std::mutex mutex_;  // guards give_up_; before the locks that give_up_ takes
    GiveUp give_up_;    // null once the request is finished
  };

  explicit PendingRequests(TaskThread* tasks) : tasks_(tasks) {}

  // Call it before the wait begins: `give_up` may be called from now on, until Finish().
  std::shared_ptr<Ticket> Add(fuse_req_t req, GiveUp give_up);

 private:
  static void OnInterrupt(fuse_req_t req, void* self);

  TaskThread* const tasks_;
  std::mutex mutex_;  // guards waiting_; leaf
  std::map<fuse_req_t, std::shared_ptr<Ticket>> waiting_;
};

}  // namespace grabfs
