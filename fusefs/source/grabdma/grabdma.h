// SPDX-License-Identifier: Apache-2.0
//
// The source `grabdma:/dev/grabdmaN`: frames of a grabber board, written by DMA into buffers of the
// kernel module, which readers map without a copy. The module paces, counts and time-stamps frames;
// this source queues buffers and translates the module's records into completions.
#pragma once

#include <memory>
#include <string>

#include "fusefs/source/grabdma/session.h"
#include "fusefs/source/source.h"

namespace grabfs {

// Takes alloc (pages, large or contiguous), direction (capture or output), format, width, height
// and rate out of `spec`, whose argument is the device node. Defaults: alloc=large (output: pages),
// direction=capture, the adapter's default format, 30 frames/s. Throws Error.
std::unique_ptr<Source> MakeGrabdma(SourceSpec& spec);
// The same with an open session.
std::unique_ptr<Source> MakeGrabdma(SourceSpec& spec, std::shared_ptr<GrabdmaSession> session);

// The bus address of the device behind a node ("0000:00:04.0"), which stays the same when the
// device is unplugged and comes back under another node. Throws Error as MakeGrabdma() does.
std::string GrabdmaBus(const std::string& node);

}  // namespace grabfs
