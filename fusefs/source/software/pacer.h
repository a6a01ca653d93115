// SPDX-License-Identifier: Apache-2.0
//
// When frames are due: an exact schedule made from a Rate, and the timer that wakes the source. It
// only counts frames, and never reads the clock: the caller passes `now`, CLOCK_MONOTONIC in
// nanoseconds.
//
// Frame n is due at begin + n/rate, so delays of single wakeups do not add up. Arming the timer for
// the next frame is the only system call for each frame: it also resets the timer's readiness, so
// nobody needs to read it.
#pragma once

#include <cstdint>

#include "fusefs/base/rate.h"
#include "fusefs/base/timer.h"

namespace grabfs {

class Pacer {
 public:
  // A frame whose painting has not begun so long after it was due is lost. Shorter delays are made
  // up for: a loaded machine delays any process by milliseconds, and a camera's queue would absorb
  // that.
  static constexpr uint64_t kPatienceNs = 100'000'000;

  // Throws Error when there is no descriptor left for the timer.
  explicit Pacer(Rate rate);

  // Readable from the due time that Arm() has set until the next Arm() or Disarm().
  [[nodiscard]] int fd() const { return timer_.fd(); }

  // The next frame is due at once.
  void Start(uint64_t now);
  // As Start() if the next frame is overdue; otherwise the schedule stays as it is.
  void Resume(uint64_t now);
  // The next frame is due one new interval after the last one.
  void SetRate(Rate rate, uint64_t now);

  [[nodiscard]] bool Due(uint64_t now) const;
  // How many frames in a row have been due for longer than the patience allows.
  [[nodiscard]] uint64_t Lost(uint64_t now) const;
  // The next `frames` were made or lost.
  void Advance(uint64_t frames);

  // Set and stop the timer for the next frame. Throw Error when the kernel refuses. No effect for
  // unlimited rates.
  void Arm();
  void Disarm();

 private:
  [[nodiscard]] uint64_t DueNs(uint64_t frame) const { return begin_ns_ + rate_.DueNs(frame); }

  Timer timer_;
  Rate rate_;
  uint64_t begin_ns_ = 0;  // when frame 0 of this schedule was due
  uint64_t next_ = 0;      // the frame that is due next
};

}  // namespace grabfs
