// SPDX-License-Identifier: Apache-2.0
//
// A display without a screen: each picture that is put on it goes into a file. FILE.y4m gets one
// after the other, FILE.png and FILE.raw always have the last one, whole.
#pragma once

#include <memory>

#include "fusefs/source/source.h"

namespace grabfs {

// display:FILE. Throws Error(EINVAL) for a format that the kind of file has not, and what opening
// FILE gives.
std::unique_ptr<Source> MakeDisplay(SourceSpec& spec);

}  // namespace grabfs
