// SPDX-License-Identifier: Apache-2.0
//
// Converts frames to the planar formats that YUV4MPEG2 and video encoders take. Samples of grey and
// YCbCr formats keep their values and only move. RGB and Bayer formats, and the RGB that a JPEG is
// decoded to, become YCbCr 4:4:4 of 8 bits by ITU-R BT.601 in studio swing; each sample differs
// from the rounded exact value by at most 1.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "fusefs/base/pixel_format.h"

namespace grabfs {

// The planar() format that ToPlanar() converts to, without padding between rows; nullopt: it cannot
// convert this format.
std::optional<FrameFormat> PlanarFormat(const FrameFormat& format);

// `pixels`: a whole image of `format`; `out`: the bytes of PlanarFormat(). Throws Error(EINVAL)
// when either is too short, as DecodeJpeg() does of a JPEG.
void ToPlanar(const FrameFormat& format, std::span<const std::byte> pixels,
              std::span<std::byte> out);

}  // namespace grabfs
