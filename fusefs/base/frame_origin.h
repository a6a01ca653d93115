// SPDX-License-Identifier: Apache-2.0
//
// What a V4L2 device reports of a frame beyond its number and its time. The source fills it in; the
// frame's extended attributes show it.
#pragma once

#include <cstdint>

namespace grabfs {

struct FrameOrigin {
  uint64_t received_ns = 0;  // CLOCK_MONOTONIC when the daemon dequeued it; 0: all this is unknown
  uint64_t device_ns = 0;    // the device's own time stamp, of whatever clock
  uint32_t field = 0;        // enum v4l2_field
  uint32_t timecode = 0;     // hours, minutes, seconds, frames: a byte each; valid if flags say so
};

}  // namespace grabfs
