// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace grabfs {

enum class CaptureState { kStopped, kStreaming, kError, kGone };

// As attributes and events have it.
const char* CaptureStateName(CaptureState state);
// As the header of the ring has it: GRABFS_STATE_*.
uint64_t ShownInRing(CaptureState state);

}  // namespace grabfs
