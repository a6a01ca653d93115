// SPDX-License-Identifier: Apache-2.0
//
// What a V4L2 device says of a frame beyond its number and its time; passed on from the source to
// whoever looks at the frame.
#pragma once

#include <cstdint>

namespace grabfs {

struct FrameOrigin {
  uint64_t received_ns = 0;  // CLOCK_MONOTONIC when the daemon got the frame; 0: nothing is known
  uint64_t device_ns = 0;    // the device's own time stamp, of whatever clock
  uint32_t field = 0;        // enum v4l2_field
  uint32_t timecode = 0;  // hours, minutes, seconds, frames: a byte each; flags tell if it is one
};

}  // namespace grabfs
