// SPDX-License-Identifier: Apache-2.0
//
// An output device that writes into a file instead of showing on a screen. FILE.y4m gets all
// pictures one after the other. FILE.raw, and FILE.png and the other picture forms, always contain
// the last picture as a whole.
#pragma once

#include <memory>

#include "fusefs/source/source.h"

namespace grabfs {

// display:FILE. Throws Error: EINVAL for another extension, or the error of opening FILE.
std::unique_ptr<Source> MakeDisplay(SourceSpec& spec);

}  // namespace grabfs
