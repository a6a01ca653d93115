// SPDX-License-Identifier: Apache-2.0
//
// Output through the module. The module itself transfers a written buffer to the device: at fsync()
// or msync(MS_SYNC) of its memory, and after the writeback time without them.
#pragma once

#include <memory>

#include "fusefs/source/grabdma/session.h"
#include "fusefs/source/source.h"

namespace grabfs {

// `strategy`: one of GRABDMA_ALLOC_*, but not LARGE. Throws Error(EINVAL) when the device has no
// output.
std::unique_ptr<Source> MakeGrabdmaOutput(std::shared_ptr<GrabdmaSession> session,
                                          uint32_t strategy, const FormatRequest& request);

}  // namespace grabfs
