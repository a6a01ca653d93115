// SPDX-License-Identifier: Apache-2.0
//
// Encodes Portable Network Graphics, by libpng.
#pragma once

#include "fusefs/picture/image.h"

namespace grabfs {

// A complete PNG file. Throws Error(EIO) with libpng's message.
Bytes EncodePng(Image image);

}  // namespace grabfs
