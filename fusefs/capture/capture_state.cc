// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/capture_state.h"

#include <array>

#include "fusefs/ring/ring_file.h"

namespace grabfs {
namespace {

struct Row {
  const char* name;
  uint64_t in_ring;
};

// Indexed by CaptureState.
constexpr std::array<Row, 4> kStates = {{
    {"stopped", GRABFS_STATE_STOPPED},
    {"streaming", GRABFS_STATE_STREAMING},
    {"error", GRABFS_STATE_ERROR},
    {"gone", GRABFS_STATE_GONE},
}};

const Row& RowOf(CaptureState state) { return kStates.at(static_cast<size_t>(state)); }

}  // namespace

const char* CaptureStateName(CaptureState state) { return RowOf(state).name; }

uint64_t ShownInRing(CaptureState state) { return RowOf(state).in_ring; }

}  // namespace grabfs
