// SPDX-License-Identifier: Apache-2.0
//
// Frame numbers that only rise, from those of a driver: 32 bits that begin anew with each stream,
// wrap around, and with some drivers do not count at all.
#pragma once

#include <cstdint>

namespace grabfs {

class V4l2Sequence {
 public:
  // More frames than that are not believed to be lost between two that came.
  static constexpr uint32_t kLongestGap = 1U << 20;

  // A stream begins: its first frame is the next one, whatever the driver calls it.
  void Begin() { beginning_ = true; }

  // The number of a frame; what it skips has been lost.
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
  uint64_t next_ = 0;  // after the last one told
};

}  // namespace grabfs
