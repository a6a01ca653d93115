// SPDX-License-Identifier: Apache-2.0
//
// NumPy's file format, version 1.0: a header that is a Python dictionary, and the samples.
#pragma once

#include <string>

#include "fusefs/picture/image.h"

namespace grabfs {

// For an image of this shape, whose samples are not looked at. A multiple of 64 bytes.
std::string NpyHeader(const Image& shape);

// The whole file. Takes the samples over.
Bytes EncodeNpy(Image image);

}  // namespace grabfs
