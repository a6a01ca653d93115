// SPDX-License-Identifier: Apache-2.0
//
// The source `grabdma:/dev/grabdmaN`: frames of a grabber board, written by DMA into buffers of the
// kernel module, which readers map as they are. The module paces, counts and time-stamps; this
// source keeps it supplied with buffers and translates its records.
#pragma once

#include <memory>
#include <string>

#include "fusefs/source/grabdma_session.h"
#include "fusefs/source/source.h"

namespace grabfs {

// Takes alloc (pages, large or contiguous), direction (capture or output), format, width, height
// and rate out of `spec`, whose argument is the device node; without them 2 MiB pieces where there
// are some (output: single pages), the adapter's own format, and 30 frames/s. Throws Error.
std::unique_ptr<Source> MakeGrabdma(SourceSpec& spec);
// The same with a session that is open already.
std::unique_ptr<Source> MakeGrabdma(SourceSpec& spec, std::shared_ptr<GrabdmaSession> session);

// Where the device of a node is on its bus ("0000:00:04.0"): what stays the same when a device is
// unplugged and comes back under another node. Throws Error as MakeGrabdma() does.
std::string GrabdmaBus(const std::string& node);

}  // namespace grabfs
