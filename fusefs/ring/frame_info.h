// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "fusefs/base/frame_origin.h"

namespace grabfs {

// What is known of a complete frame.
struct FrameInfo {
  uint64_t sequence = 0;
  uint64_t timestamp_ns = 0;  // CLOCK_MONOTONIC
  uint64_t realtime_ns = 0;   // the same instant on CLOCK_REALTIME
  uint64_t bytes_used = 0;
  uint64_t dropped = 0;  // frames lost directly before this one
  uint32_t flags = 0;    // V4L2_BUF_FLAG_*
  FrameOrigin origin = {};
};

}  // namespace grabfs
