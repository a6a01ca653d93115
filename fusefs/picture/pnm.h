// SPDX-License-Identifier: Apache-2.0
//
// Netpbm's binary formats: PGM (grey) and PPM (RGB).
#pragma once

#include <string>

#include "fusefs/picture/image.h"

namespace grabfs {

// For an image of this shape, whose samples are not looked at.
std::string PnmHeader(const Image& shape);

// P5 or P6, by the number of channels. Takes the samples over.
Bytes EncodePnm(Image image);

}  // namespace grabfs
