// SPDX-License-Identifier: Apache-2.0
//
// Converts frames of any pixel format to images as image files hold them: grey or RGB, rows without
// padding. Pure functions.
//
// YCbCr is interpreted as ITU-R BT.601 in studio swing (with 8 bits: luma 16...235,
// chroma 16...240), V4L2's default, and becomes full-range RGB; each sample is rounded to the
// nearest integer and clipped. All pixels that share a chroma sample get its value, without
// interpolation. RGB becomes grey by BT.601's weights. The alpha or filler byte of 32-bit formats
// is ignored. Bayer formats: see bayer.h. Samples of 8 bits keep their size; larger ones are scaled
// to 16 bits. A camera's JPEG becomes RGB as libjpeg-turbo decodes it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fusefs/base/pixel_format.h"

namespace grabfs {

using Bytes = std::vector<uint8_t>;

struct Image {
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t channels = 0;  // 1: grey, 3: red green blue
  uint32_t bits = 0;      // of a sample: 8, or 16 with the more significant byte first
  Bytes samples;

  [[nodiscard]] uint64_t row_bytes() const { return uint64_t{width} * channels * (bits / 8); }
  // The size of all samples, also if `samples` is empty.
  [[nodiscard]] uint64_t bytes() const { return row_bytes() * height; }
};

// Swaps the two bytes of each sample of 16 bits; does nothing for 8 bits.
void SwapBytes(Image& image);

// Can whole frames of this format, size and layout be converted? JPEG: if they are undamaged.
bool CanConvert(const FrameFormat& format);

enum class Colours { kAsTheyAre, kToGrey, kToRgb };

// The result of Convert() without samples.
Image ShapeOf(const FrameFormat& format, Colours colours = Colours::kAsTheyAre);

// kAsTheyAre: grey formats become grey, all others RGB. Else all become grey, or RGB. Throws
// Error(EINVAL) when the format cannot be converted or `pixels` is too short for it; Error(EIO) for
// JPEG that is none.
Image Convert(const FrameFormat& format, std::span<const uint8_t> pixels,
              Colours colours = Colours::kAsTheyAre);

}  // namespace grabfs
