// SPDX-License-Identifier: Apache-2.0
//
// Output through the module: what is written to a buffer goes to the device at fsync() or
// msync(MS_SYNC) of its memory, which the module does by itself, and a while later unasked.
#pragma once

#include <memory>

#include "fusefs/source/grabdma_session.h"
#include "fusefs/source/source.h"

namespace grabfs {

// `strategy`: one of GRABDMA_ALLOC_*, but not LARGE. Throws Error(EINVAL) when the device has no
// output.
std::unique_ptr<Source> MakeGrabdmaOutput(std::shared_ptr<GrabdmaSession> session,
                                          uint32_t strategy, const FormatRequest& request);

}  // namespace grabfs
