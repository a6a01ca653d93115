// SPDX-License-Identifier: Apache-2.0
//
// Netpbm's binary formats: PGM (grey) and PPM (RGB).
#pragma once

#include "fusefs/picture/image.h"

namespace grabfs {

// P5 or P6, by the number of channels. Takes the samples over.
Bytes EncodePnm(Image image);

}  // namespace grabfs
