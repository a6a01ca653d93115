// SPDX-License-Identifier: Apache-2.0
//
// Frames as the bytes that stream files consist of.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "fusefs/base/pixel_format.h"
#include "fusefs/base/rate.h"
#include "fusefs/capture/held_frame.h"

namespace grabfs {

struct StreamChunk {
  std::shared_ptr<const void> owner;  // keeps the bytes
  std::span<const std::byte> bytes;
};

// The frame as it is in its buffer, which is held for as long as the chunk lives.
StreamChunk PassOn(HeldFrame frame);

bool CanEncodeY4m(const FrameFormat& format);

// The frame in YUV4MPEG2, after the stream's header if it is the `first`. Throws Error(EIO) for a
// frame that is not whole.
StreamChunk EncodeY4m(const HeldFrame& frame, bool first, Rate rate);

}  // namespace grabfs
