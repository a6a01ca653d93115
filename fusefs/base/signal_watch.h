// SPDX-License-Identifier: Apache-2.0
//
// The signals that ask the daemon to end, delivered to a thread of their own instead of a handler.
#pragma once

#include <csignal>
#include <functional>
#include <thread>

#include "fusefs/base/unique_fd.h"

namespace grabfs {

class SignalWatch {
 public:
  // From now on SIGTERM, SIGINT and SIGHUP wait; SIGPIPE is ignored. Construct it before any other
  // thread starts: they inherit the mask. Throws Error.
  SignalWatch();
  // Ends the thread; the signals have their former effect again.
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  // Calls `on_signal` once, in a thread of its own, for the first signal, also for one that came
  // already.
  void Start(std::function<void(int signal)> on_signal);
  // Afterwards `on_signal` is not running and will not be called; signals go on waiting. Not for
  // `on_signal` itself.
  void Stop();

 private:
  void Wait(const std::function<void(int signal)>& on_signal) const;

  sigset_t before_;
  UniqueFd signals_;  // signalfd
  UniqueFd end_;      // eventfd
  std::thread thread_;
};

}  // namespace grabfs
