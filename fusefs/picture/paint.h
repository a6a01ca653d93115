// SPDX-License-Identifier: Apache-2.0
//
// Makes frames of any format from a picture of a simpler format, for sources that paint.
#pragma once

#include <cstdint>
#include <span>

#include "fusefs/base/pixel_format.h"

namespace grabfs {

// The format of the picture from which PaintFrame() makes a frame of format `fourcc`: RGB3 for
// Bayer formats; for samples of two bytes the format with samples of one byte, if there is one;
// else `fourcc`.
Fourcc PaintedIn(Fourcc fourcc);

// `picture`: in the format PaintedIn() and the size of the frame. A Bayer frame gets from each
// pixel the colour that the sensor has there. Samples of 8 bits are scaled to the bits of the
// format. `out`: the frame, without padding between rows.
void PaintFrame(const FrameFormat& format, std::span<const uint8_t> picture,
                std::span<uint8_t> out);

}  // namespace grabfs
