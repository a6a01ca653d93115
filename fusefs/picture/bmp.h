// SPDX-License-Identifier: Apache-2.0
//
// Encodes Windows bitmaps, the top row first: grey pictures as one byte a pixel with a palette,
// others as B G R. Samples of 16 bits are cut to their upper 8.
#pragma once

#include "fusefs/picture/image.h"

namespace grabfs {

// The size of the file, from the members of `shape` other than the samples.
uint64_t BmpBytes(const Image& shape);

Bytes EncodeBmp(Image image);

}  // namespace grabfs
