// SPDX-License-Identifier: Apache-2.0
//
// Encodes Netpbm's binary formats: PGM (grey) and PPM (RGB).
#pragma once

#include "fusefs/picture/image.h"

namespace grabfs {

// The size of the file; `shape.samples` is not used.
uint64_t PnmBytes(const Image& shape);

// P5 or P6, by the number of channels. Takes the samples over.
Bytes EncodePnm(Image image);

}  // namespace grabfs
