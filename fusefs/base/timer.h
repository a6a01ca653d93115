// SPDX-License-Identifier: Apache-2.0
//
// A moment of CLOCK_MONOTONIC as a descriptor, by timerfd(2).
#pragma once

#include <cstdint>

#include "fusefs/base/unique_fd.h"

namespace grabfs {

class Timer {
 public:
  // Throws Error when there is no descriptor left.
  Timer();

  // Readable from the moment that At() has set until the next call: nobody needs to read it.
  [[nodiscard]] int fd() const { return timer_.get(); }

  // In nanoseconds; 0: never. A system call only where this changes something.
  void At(uint64_t ns);

 private:
  UniqueFd timer_;
  uint64_t at_ns_ = 0;
};

}  // namespace grabfs
