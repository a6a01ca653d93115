// SPDX-License-Identifier: Apache-2.0
//
// The source `pattern`: the moving test picture of kmod/test_picture.h, of any size and rate, with
// the sequence number in the pixels of every row. It needs no hardware. The device `sim0`, which a
// fresh installation shows, has this source.
#pragma once

#include <memory>

#include "fusefs/source/source.h"

namespace grabfs {

// Takes format, width, height and rate out of `spec`; defaults: 640x480 BGR4 at 30 frames/s. Throws
// Error(EINVAL) for a format or size that the picture cannot have.
std::unique_ptr<Source> MakePattern(SourceSpec& spec);

}  // namespace grabfs
