// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/readiness.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cerrno>

#include "fusefs/base/error.h"

namespace grabfs::cli {

Readiness::Readiness(int file) : epoll_(CheckSyscall(::epoll_create1(EPOLL_CLOEXEC), "epoll")) {
  epoll_event readable = {};
  readable.events = EPOLLIN;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, file, &readable) == 0) return;
  // A regular file, such as a recorded one, can always be read; epoll(7) takes none.
  if (errno != EPERM) ThrowErrno("epoll");
  always_.reset(CheckSyscall(::eventfd(1, EFD_CLOEXEC), "eventfd"));
  CheckSyscall(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, always_.get(), &readable), "epoll");
}

Readiness::Outcome Readiness::Await(const Deadline& deadline) const {
  epoll_event event = {};
  const int ready = ::epoll_wait(epoll_.get(), &event, 1, deadline.poll_timeout_ms());
  if (ready > 0) return Outcome::kReady;
  if (ready == 0) return Outcome::kTimeout;
  if (errno != EINTR) ThrowErrno("epoll");
  return Outcome::kSignal;
}

}  // namespace grabfs::cli
