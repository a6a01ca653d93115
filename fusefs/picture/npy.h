// SPDX-License-Identifier: Apache-2.0
//
// NumPy's file format, version 1.0: a header that is a Python dictionary, and the samples.
#pragma once

#include <string>

#include "fusefs/picture/image.h"

namespace grabfs {

// The header for an image of this shape; `shape.samples` is not used. Its length is a multiple of
// 64 bytes.
std::string NpyHeader(const Image& shape);
// The size of the file; `shape.samples` is not used.
uint64_t NpyBytes(const Image& shape);

// The whole file. Takes the samples over.
Bytes EncodeNpy(Image image);

}  // namespace grabfs
