// SPDX-License-Identifier: Apache-2.0
//
// The threads that serve a session's requests. One at a time, the *leader*, takes them from the
// kernel, and answers those that are quick itself; before one that may take long or wait, it hands
// the lead over.
//
// libfuse's own loop has all its threads wait in the kernel, which wakes them in turn: each request
// finds another one, asleep on another processor. The leader looks for the next request a moment
// longer instead, as long as they follow each other closely. Opening and closing a frame takes less
// than half of the time for it (docs/performance.md).
//
// What nobody waits for, closing, is carried out at once and answered when there is time: the next
// request often is somebody's who does wait.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

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

  // Serves, in this thread and others, until the session is unmounted or Stop() is called; returns
  // when all requests that were taken have been served. Throws Error when the kernel's requests
  // cannot be read.
  void Run();
  // Any thread. Requests that nobody has taken yet are lost.
  void Stop();
  // Answers "done" to a quick request whose client does not wait for it. For the thread that serves
  // it.
  void AnswerInTime(fuse_req* request);

 private:
  class Request;
  using Clock = std::chrono::steady_clock;

  void Work();
  // Serves as the leader. True: `request` is to be served by somebody who does not lead.
  bool Lead(Request& request);
  // Waits for a request; false when the session has ended.
  bool Take(Request& request);
  // Whether there is time to answer what nobody waits for, when no request has come for `idle`.
  [[nodiscard]] bool HasTime(Clock::duration idle) const;
  void AnswerUnawaited();
  // Sleeps until there is a request. False when Stop() has been called.
  bool Sleep();
  // Expects mutex_ to be held.
  void FindLeader();

  fuse_session* const session_;
  const UniqueFd stop_;  // eventfd
  const bool may_poll_;  // for others there are further processors

  // Of the leader.
  bool polling_ = false;
  bool client_is_waking_ = false;      // who was just answered, and asks nothing yet
  std::vector<fuse_req*> unanswered_;  // nobody waits for them; none when the lead is handed over

  std::mutex mutex_;  // guards all below; leaf
  std::condition_variable changed_;
  bool led_ = false;
  bool ended_ = false;
  unsigned standing_by_ = 0;
  int error_ = 0;  // errno
  std::vector<std::thread> threads_;
};

}  // namespace grabfs
