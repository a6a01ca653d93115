// SPDX-License-Identifier: Apache-2.0
//
// Frames of any fourcc as pictures that image files can hold: grey or RGB, rows without padding.
// Pure functions.
//
// YCbCr is taken as ITU-R BT.601 in studio swing (luma 16...235, chroma 16...240), which is what
// the formats of V4L2 mean unless a driver says otherwise, and becomes full swing, each sample
// rounded to the nearest integer and clipped to 0...255. A chroma sample serves all pixels that
// share it; nothing is interpolated. RGB becomes grey by BT.601's weights. The alpha or filler
// byte of 32-bit formats is ignored. Bayer formats: see bayer.h.
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
};

// The other order of the bytes of samples of 16 bits; nothing for those of 8.
void SwapBytes(Image& image);

// Would Convert() give a picture at all, and a grey one?
bool CanConvert(Fourcc fourcc);
bool IsGrey(Fourcc fourcc);

// What Convert() gives, without samples.
Image ShapeOf(const FrameFormat& format);

// All three throw Error(EINVAL) when the format is unknown or `pixels` is too short for it.
// Grey formats to grey of their own depth, all others to RGB: of 16 bits where a colour has more
// than 8, else of 8.
Image Convert(const FrameFormat& format, std::span<const uint8_t> pixels);
// Grey whatever the format: luma of YCbCr, the weighted sum of RGB.
Image ConvertToGrey(const FrameFormat& format, std::span<const uint8_t> pixels);
// RGB whatever the format; grey formats keep their depth.
Image ConvertToRgb(const FrameFormat& format, std::span<const uint8_t> pixels);

}  // namespace grabfs
