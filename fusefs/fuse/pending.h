// SPDX-License-Identifier: Apache-2.0
//
// Requests that wait for something to happen: reads of `events`, locks. A signal can interrupt the
// client's system call; the kernel then sends FUSE_INTERRUPT and expects the reply EINTR.
//
// libfuse calls the interrupt hook with its own locks held, possibly while another thread is
// replying to the request. So the hook only looks the request up here and posts a task to another
// thread, which gives up the wait. A request is removed from here before it is replied to.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "fusefs/base/mutex.h"
#include "fusefs/base/task_thread.h"
#include "fusefs/fuse/fuse.h"

namespace grabfs {

class PendingRequests {
 public:
  // Gives up the wait. True: nobody else will reply to the request.
  using GiveUp = std::function<bool()>;
  class Ticket {
   public:
    Ticket(PendingRequests* owner, fuse_req_t req)
        : owner_(owner), req_(req), user_(fuse_req_ctx(req)->uid) {}
    // The wait has begun, or is over already. From now on until Finish(), an interrupt may call
    // `give_up`; one that came before calls it at once.
    void Waits(GiveUp give_up);
    // Call it once, directly before the reply.
    void Finish();

   private:
    friend class PendingRequests;
    void Interrupt();
    // Replies EINTR if the request was interrupted and the wait can be given up.
    void ReplyIfInterrupted();

    PendingRequests* const owner_;
    const fuse_req_t req_;
    const uid_t user_;
    Mutex mutex_;  // guards all below; before the locks that give_up_ takes
    bool finished_ = false;
    bool interrupted_ = false;
    GiveUp give_up_;  // null before Waits()
  };

  explicit PendingRequests(TaskThread* tasks) : tasks_(tasks) {}

  // How many requests may wait at a time, in all and of one user. An asynchronous request that
  // waits takes one of the kernel's max_background slots, which RELEASE and writeback need, too.
  static constexpr size_t kMaxWaiting = 768;
  static constexpr size_t kMaxOfOneUser = 512;
  static constexpr unsigned kMaxBackground = 1024;

  // Call it before the wait begins, so that no interrupt is lost. Throws Error(EDQUOT).
  std::shared_ptr<Ticket> Add(fuse_req_t req);

 private:
  void Remove(fuse_req_t req);
  static void OnInterrupt(fuse_req_t req, void* self);

  TaskThread* const tasks_;
  Mutex mutex_;  // guards waiting_; leaf
  std::map<fuse_req_t, std::shared_ptr<Ticket>> waiting_;
  std::map<uid_t, size_t> of_users_;  // none that is 0
};

}  // namespace grabfs
