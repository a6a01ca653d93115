// SPDX-License-Identifier: Apache-2.0
//
// What may wake a source that waits for several descriptors and for a moment: one descriptor for
// all.
#pragma once

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <cstdint>

#include "fusefs/base/clock.h"
#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs {

class Wakeups {
 public:
  Wakeups()
      : timer_(CheckSyscall(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
                            "timerfd_create")),
        epoll_(CheckSyscall(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    Watch(timer_.get());
  }
  [[nodiscard]] int fd() const { return epoll_.get(); }

  void Watch(int fd) {
    epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    CheckSyscall(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }
  void Unwatch(int fd) noexcept { (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

  // Readable from this moment of CLOCK_MONOTONIC on, until the next call; 0: never.
  void At(uint64_t ns) {
    if (ns == at_ns_) return;
    itimerspec setting{};
    setting.it_value.tv_sec = static_cast<time_t>(ns / kNsPerSecond);
    setting.it_value.tv_nsec = static_cast<long>(ns % kNsPerSecond);
    CheckSyscall(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &setting, nullptr),
                 "timerfd_settime");
    at_ns_ = ns;
  }

 private:
  UniqueFd timer_;
  UniqueFd epoll_;
  uint64_t at_ns_ = 0;
};

}  // namespace grabfs
