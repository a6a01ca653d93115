// SPDX-License-Identifier: Apache-2.0
//
// Portable Network Graphics, by libpng.
#pragma once

#include "fusefs/picture/image.h"

namespace grabfs {

// A complete PNG file. Throws Error(EIO) with libpng's own words.
Bytes EncodePng(const Image& image);

}  // namespace grabfs
