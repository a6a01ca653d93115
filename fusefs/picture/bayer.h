// SPDX-License-Identifier: Apache-2.0
//
// Bayer formats, whose pixels have one colour each, as RGB. The two colours that a pixel lacks are
// the mean of its nearest neighbours that have them (bilinear interpolation), rounded to the
// nearest integer; beyond the border the picture is mirrored. Colours of 10 and 12 bits are widened
// to all of 16 bits.
#pragma once

#include <cstdint>
#include <span>

#include "fusefs/base/pixel_format.h"
#include "fusefs/picture/image.h"

namespace grabfs {

bool IsBayer(Fourcc fourcc);
// Of a sample of the picture that a Bayer format becomes: 8 or 16.
uint32_t BayerImageBits(Fourcc fourcc);

// `format` is a Bayer format and `pixels` a whole image of it.
Image Demosaic(const FrameFormat& format, std::span<const uint8_t> pixels);

// The other way: of each pixel of a picture of R G B, 8 bits each, the colour that a sensor of this
// format has there. `out`: an image of `format`, whose rows are not padded.
void MakeMosaic(const FrameFormat& format, std::span<const uint8_t> rgb, std::span<uint8_t> out);

}  // namespace grabfs
