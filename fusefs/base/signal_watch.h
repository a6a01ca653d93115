// SPDX-License-Identifier: Apache-2.0
//
// Delivers the signals that ask the daemon to end to a thread of its own instead of a handler.
#pragma once

#include <csignal>
#include <functional>
#include <thread>

#include "fusefs/base/unique_fd.h"

namespace grabfs {

class SignalWatch {
 public:
  // Blocks SIGTERM, SIGINT and SIGHUP, and ignores SIGPIPE. Construct it before any other thread
  // starts: threads inherit the signal mask. Throws Error.
  SignalWatch();
  // Joins the thread and restores the signal mask.
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  // Starts the thread. It calls `on_signal` once, for the first signal, also for one that is
  // pending.
  void Start(std::function<void(int signal)> on_signal);
  // Joins the thread: afterwards `on_signal` is not running and will not be called. Signals stay
  // blocked. Not to be called by `on_signal`.
  void Stop();

 private:
  void Wait(const std::function<void(int signal)>& on_signal) const;

  sigset_t before_;
  UniqueFd signals_;  // signalfd
  UniqueFd end_;      // eventfd
  std::thread thread_;
};

}  // namespace grabfs
