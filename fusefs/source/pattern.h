// SPDX-License-Identifier: Apache-2.0
//
// The source `pattern`: the moving test picture of kmod/test_picture.h, of any size and rate, with
// the sequence number in the pixels of every row. It needs no hardware and is a device in its own
// right, the one that a fresh installation shows.
#pragma once

#include <memory>

#include "fusefs/source/source.h"

namespace grabfs {

// Takes format, width, height and rate out of `spec`; 640x480 BGR4 at 30 frames/s without them.
// Throws Error(EINVAL) for what the picture cannot be.
std::unique_ptr<Source> MakePattern(SourceSpec& spec);

}  // namespace grabfs
