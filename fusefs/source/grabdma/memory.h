// SPDX-License-Identifier: Apache-2.0
//
// The memory of one frame as a DMA buffer of the module. A buffer has two files with the same
// pages: the live view, which the daemon maps and buffers/ shows, and the frame view, which frames/
// shows. The module counts the users of the frame view, so Probe() never answers kUnclear.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "fusefs/base/memory.h"
#include "fusefs/source/grabdma/session.h"
#include "fusefs/source/source.h"

namespace grabfs {

class GrabdmaMemory : public Memory {
 public:
  // Number of the buffer in its session.
  [[nodiscard]] virtual uint32_t id() const = 0;
  [[nodiscard]] virtual const GrabdmaSession& session() const = 0;
};

// Allocates a buffer of the session and maps it. The memory keeps the session open, so that Probe()
// works after the end of the source and of the device. `name` is for messages. Throws Error.
std::unique_ptr<GrabdmaMemory> AllocateGrabdmaMemory(std::shared_ptr<GrabdmaSession> session,
                                                     const std::string& name, uint64_t bytes,
                                                     uint32_t strategy);

// The same for output, where both files are the live view.
std::unique_ptr<GrabdmaMemory> AllocateGrabdmaOutput(std::shared_ptr<GrabdmaSession> session,
                                                     const std::string& name, uint64_t bytes,
                                                     uint32_t strategy, uint32_t writeback_ms);

// Buffers of the module for a device of any kind (memory=grabdma), because the module sees pages in
// flight and pinned pages. `node`: /dev/grabdmaN; empty: the first one. Throws Error: ENODEV.
Source::BufferMaker MakeGrabdmaBufferMaker(std::string node);

// Allocates memory for capture later: for files of alloc/.
std::shared_ptr<MemoryAllocator> MakeGrabdmaAllocator(std::shared_ptr<GrabdmaSession> session,
                                                      uint32_t strategy);

}  // namespace grabfs
