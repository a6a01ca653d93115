// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/signal_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/thread.h"

namespace grabfs {

SignalWatch::SignalWatch() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&watched, signal);
  signals_.reset(CheckSyscall(signalfd(-1, &watched, SFD_CLOEXEC), "signalfd"));
  end_.reset(CheckSyscall(eventfd(0, EFD_CLOEXEC), "eventfd"));
  pthread_sigmask(SIG_BLOCK, &watched, &before_);
  (void)signal(SIGPIPE, SIG_IGN);
}

SignalWatch::~SignalWatch() {
  Stop();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void SignalWatch::Start(std::function<void(int signal)> on_signal) {
  thread_ = StartThread("waiting for signals",
                        [this, on_signal = std::move(on_signal)] { Wait(on_signal); });
}

void SignalWatch::Stop() {
  (void)eventfd_write(end_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

void SignalWatch::Wait(const std::function<void(int signal)>& on_signal) const {
  pollfd fds[2] = {{signals_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}};
  while (poll(fds, 2, -1) < 0) {
  }
  signalfd_siginfo info = {};
  if (fds[0].revents != 0 && read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    on_signal(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace grabfs
