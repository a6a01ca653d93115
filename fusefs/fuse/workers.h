// SPDX-License-Identifier: Apache-2.0
//
// The threads that serve a session's requests: leader and followers. One thread at a time, the
// *leader*, reads requests from /dev/fuse, and serves quick requests itself. Any other request goes
// into a FairQueue (base/fair_queue.h), which limits how many threads serve one device and user: so
// a device that hangs never occupies all threads. Before the leader serves a request of the queue
// as a worker, it makes another thread the leader; if there is none, it goes on leading. A user
// with very many requests in the queue gets EDQUOT for more.
//
// The leader serves within NoWaiting (base/mutex.h). If a quick request turns out to need time
// (TakesTime()), a worker serves it again from its beginning.
//
// In libfuse's own loop all threads wait in the kernel, which wakes them in rotation: each request
// wakes another thread, often on another processor. Here the leader polls for the next request a
// moment longer before it sleeps, as long as requests follow each other closely. Opening and
// closing a frame then takes less than half of the time (docs/performance.md).
//
// RELEASE is carried out at once, but its reply is sent later, when the leader is idle: close(2)
// does not wait for the reply, and the next request is often one that a client waits for.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "fusefs/base/fair_queue.h"
#include "fusefs/base/mutex.h"
#include "fusefs/base/unique_fd.h"

struct fuse_req;
struct fuse_session;

namespace grabfs {

class Workers {
 public:
  // `session` is mounted and outlives this.
  explicit Workers(fuse_session* session);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  ~Workers();

  // Serves, in this thread and others, until the session is unmounted or Stop() is called. Returns
  // when all requests that were read have been served. Throws Error when /dev/fuse cannot be read.
  void Run();
  // Any thread. Requests that were not read yet are lost.
  void Stop();
  // Sends the reply 0 to a request later, when the leader is idle. To be called by the leader while
  // it serves the request, whose client does not wait.
  void ReplyLater(fuse_req* request);
  // To be called by the leader instead of a reply: a worker serves the request from its beginning.
  void RestartOnWorker(fuse_req* request);
  // For callbacks: true if this thread must answer its request with EDQUOT, because the user has
  // too many requests waiting.
  static bool Refuses();

 private:
  class Request;
  using RequestPtr = std::unique_ptr<Request>;
  using Job = FairQueue<RequestPtr>::Job;
  using Clock = std::chrono::steady_clock;

  void Work();
  // Both expect `lock` to be held, and unlock it meanwhile. Lead() leads until there is a job for
  // this thread and another thread can lead; nullopt: the session has ended.
  std::optional<Job> Lead(std::unique_lock<Mutex>& lock);
  void Serve(std::unique_lock<Mutex>& lock, Job job);
  void Refuse(Request& request);
  // As the leader, serves quick requests and returns the first other one. nullptr: the session
  // ended.
  RequestPtr TakeSlow();
  // Waits for a request; false when the session has ended.
  bool Take(Request& request);
  // Whether this errno value from /dev/fuse ends the session.
  bool IsEnd(int code);
  // Whether now is the time to send deferred replies, when no request has come for `idle`.
  [[nodiscard]] bool HasTime(Clock::duration idle) const;
  void SendDeferredReplies();
  // Sleeps until there is a request. False when Stop() has been called.
  bool Sleep();
  // Sleeps for kPause. False as above.
  bool Pause();
  // Wakes or starts a thread that leads. Expects mutex_ to be held. False: there is none.
  bool FindLeader();
  RequestPtr SpareRequest();

  fuse_session* const session_;
  const UniqueFd stop_;  // eventfd
  const bool may_poll_;  // the machine has more than one processor

  // Used by the leader only.
  bool polling_ = false;
  bool client_is_waking_ = false;  // the last reply woke its client, which has not asked again yet
  bool restart_ = false;           // the request that is being served needs time
  std::vector<fuse_req*> deferred_replies_;  // none while another thread becomes the leader

  Mutex mutex_;  // guards all below; leaf
  Condition changed_;
  Condition has_room_;  // queue_ has become shorter
  bool led_ = false;    // a thread leads
  bool ended_ = false;
  unsigned standing_by_ = 0;  // threads that sleep in changed_
  int error_ = 0;             // errno
  FairQueue<RequestPtr> queue_;
  std::vector<RequestPtr> spare_;
  std::vector<std::thread> threads_;
};

}  // namespace grabfs
