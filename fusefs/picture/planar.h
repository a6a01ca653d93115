// SPDX-License-Identifier: Apache-2.0
//
// Frames in the planar formats that YUV4MPEG2 and video encoders take: samples of grey and YCbCr
// are kept as they are and only laid out anew; RGB and Bayer formats become YCbCr 4:4:4 by ITU-R
// BT.601 in studio swing, each sample within 1 of the exact value rounded.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "fusefs/base/pixel_format.h"

namespace grabfs {

// The format that ToPlanar() gives; nullopt when it cannot be made of `fourcc`.
std::optional<Fourcc> PlanarFourcc(Fourcc fourcc);

// `pixels`: a whole image of `format`; `out`: the bytes of an image of PlanarFourcc() without
// padding. Throws Error(EINVAL) when either is too short.
void ToPlanar(const FrameFormat& format, std::span<const std::byte> pixels,
              std::span<std::byte> out);

}  // namespace grabfs
