// SPDX-License-Identifier: Apache-2.0
//
// JPEG: what many USB cameras make (V4L2's MJPG and JPEG; frames differ in size), and a form in
// which frames are saved. By libjpeg-turbo. Pure functions.
#pragma once

#include <cstdint>
#include <span>

#include "fusefs/base/pixel_format.h"
#include "fusefs/picture/image.h"

namespace grabfs {

inline constexpr Fourcc kMjpg = MakeFourcc("MJPG");
inline constexpr Fourcc kJpeg = MakeFourcc("JPEG");

constexpr bool IsJpeg(Fourcc fourcc) { return fourcc == kMjpg || fourcc == kJpeg; }

// Are so many bytes a whole image? How long a JPEG is, it says itself.
constexpr bool IsWhole(const FrameFormat& format, uint64_t bytes) {
  return IsJpeg(format.fourcc) ? bytes > 0 : bytes >= format.bytes;
}

// Fills in the samples of `image`, which has 8 bits a sample and the size of the picture. What is
// cut short or damaged in its middle is shown as far as it goes. Throws Error(EIO) when it is no
// JPEG, or of another size.
void DecodeJpeg(std::span<const uint8_t> jpeg, Image& image);

// A file of quality 90, without losses in the resolution of colours. Of larger samples the upper 8
// bits. Throws Error.
Bytes EncodeJpeg(Image image);

}  // namespace grabfs
