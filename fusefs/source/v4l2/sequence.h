// SPDX-License-Identifier: Apache-2.0
//
// Turns a driver's sequence numbers into numbers that only rise. A driver's have 32 bits, start
// over with each stream, wrap around, and do not count at all with some drivers.
#pragma once

#include <cstdint>

namespace grabfs {

class V4l2Sequence {
 public:
  // A larger gap between two frames counts as a jump of the driver's counter, not as lost frames.
  static constexpr uint32_t kLongestGap = 1U << 20;

  // A stream begins: its first frame gets the next number, whatever the driver's number is.
  void Begin() { beginning_ = true; }

  // The number of the next frame; the numbers that it skips were lost.
  uint64_t Next(uint32_t of_driver) {
    const uint32_t step = of_driver - last_;
    const bool counted = !beginning_ && step > 0 && step <= kLongestGap;
    next_ += counted ? step : 1;
    last_ = of_driver;
    beginning_ = false;
    return next_ - 1;
  }

 private:
  bool beginning_ = true;
  uint32_t last_ = 0;
  uint64_t next_ = 0;  // the last returned number plus 1
};

}  // namespace grabfs
