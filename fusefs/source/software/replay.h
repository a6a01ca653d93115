// SPDX-License-Identifier: Apache-2.0
//
// The source `replay:FILE`: a clip (clip.h) in an endless loop. Frame n of the capture is frame
// n modulo the clip's length, and lost frames count, too: as with a camera, time goes on.
#pragma once

#include <memory>

#include "fusefs/source/source.h"

namespace grabfs {

// `spec.argument` is the file. Takes format, width and height (raw files need them) and rate (the
// file's own without it, else 30) out of the options. Throws Error when the file cannot be
// replayed: see Clip.
std::unique_ptr<Source> MakeReplay(SourceSpec& spec);

}  // namespace grabfs
