// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/timer.h"

#include <sys/timerfd.h>

#include "fusefs/base/clock.h"
#include "fusefs/base/error.h"

namespace grabfs {

Timer::Timer()
    : timer_(CheckSyscall(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
                          "timerfd_create")) {}

void Timer::At(uint64_t ns) {
  if (ns == at_ns_) return;
  itimerspec setting{};
  setting.it_value.tv_sec = static_cast<time_t>(ns / kNsPerSecond);
  setting.it_value.tv_nsec = static_cast<long>(ns % kNsPerSecond);
  CheckSyscall(::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &setting, nullptr),
               "timerfd_settime");
  at_ns_ = ns;
}

}  // namespace grabfs
