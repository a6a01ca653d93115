// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/v4l2/waiter.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cstdint>

#include "fusefs/base/error.h"

namespace grabfs {

V4l2Waiter::V4l2Waiter()
    : timer_(CheckSyscall(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
                          "timerfd_create")),
      epoll_(CheckSyscall(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
  const itimerspec second = {.it_interval = {1, 0}, .it_value = {1, 0}};
  CheckSyscall(::timerfd_settime(timer_.get(), 0, &second, nullptr), "timerfd_settime");
  epoll_event event = {.events = EPOLLIN, .data = {.fd = timer_.get()}};
  CheckSyscall(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, timer_.get(), &event), "epoll_ctl");
}

void V4l2Waiter::Watch(int node) {
  epoll_event event = {.events = EPOLLIN | EPOLLPRI | EPOLLET, .data = {.fd = node}};
  CheckSyscall(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, node, &event), "epoll_ctl");
}

void V4l2Waiter::Unwatch(int node) noexcept {
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, node, nullptr);
}

bool V4l2Waiter::Clear() {
  epoll_event events[2];
  (void)::epoll_wait(epoll_.get(), events, 2, 0);
  uint64_t seconds = 0;
  return ::read(timer_.get(), &seconds, sizeof seconds) == sizeof seconds;
}

}  // namespace grabfs
