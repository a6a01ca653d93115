// SPDX-License-Identifier: Apache-2.0
//
// What may wake a source that waits for several descriptors and for a moment: one descriptor for
// all.
#pragma once

#include <sys/epoll.h>

#include <cstdint>

#include "fusefs/base/error.h"
#include "fusefs/base/timer.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs {

class Wakeups {
 public:
  Wakeups() : epoll_(CheckSyscall(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    Watch(timer_.fd());
  }
  [[nodiscard]] int fd() const { return epoll_.get(); }

  void Watch(int fd) {
    epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    CheckSyscall(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }
  void Unwatch(int fd) noexcept { (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

  // Readable from this moment of CLOCK_MONOTONIC on, until the next call; 0: never.
  void At(uint64_t ns) { timer_.At(ns); }

 private:
  Timer timer_;
  UniqueFd epoll_;
};

}  // namespace grabfs
