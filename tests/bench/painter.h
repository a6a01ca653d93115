// SPDX-License-Identifier: Apache-2.0
//
// The work that the pattern source cannot avoid: writing the pixels. What the daemon uses beyond it
// is what grabfs costs.
#pragma once

#include "fusefs/source/software/test_picture.h"

namespace grabfs::bench {

// What FullHdDevice() of daemon.h paints: 1920x1080 BGR4.
TestPicture FullHdPicture();

}  // namespace grabfs::bench
