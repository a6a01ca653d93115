// SPDX-License-Identifier: Apache-2.0
//
// Netpbm's binary formats: PGM (grey) and PPM (RGB).
#pragma once

#include "cli/image.h"

namespace grabfs::cli {

// P5 or P6, by the number of channels. Takes the samples over.
Bytes EncodePnm(Image image);

}  // namespace grabfs::cli
