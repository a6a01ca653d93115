// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/v4l2_waiter.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cstdint>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

void Watch(int epoll, int fd, uint32_t events) {
  epoll_event event = {.events = events, .data = {.fd = fd}};
  CheckSyscall(::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

}  // namespace

V4l2Waiter::V4l2Waiter(int node)
    : timer_(CheckSyscall(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
                          "timerfd_create")),
      epoll_(CheckSyscall(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
  const itimerspec second = {.it_interval = {1, 0}, .it_value = {1, 0}};
  CheckSyscall(::timerfd_settime(timer_.get(), 0, &second, nullptr), "timerfd_settime");
  Watch(epoll_.get(), timer_.get(), EPOLLIN);
  Watch(epoll_.get(), node, EPOLLIN | EPOLLPRI | EPOLLET);
}

bool V4l2Waiter::Clear() {
  epoll_event events[2];
  (void)::epoll_wait(epoll_.get(), events, 2, 0);
  uint64_t seconds = 0;
  return ::read(timer_.get(), &seconds, sizeof seconds) == sizeof seconds;
}

void V4l2Waiter::Forget() { epoll_.reset(::epoll_create1(EPOLL_CLOEXEC)); }

}  // namespace grabfs
