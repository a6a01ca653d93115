// SPDX-License-Identifier: Apache-2.0
//
// The memory of one frame as a DMA buffer of the module: the live view is what the daemon maps and
// what buffers/ shows, the frame view is what frames/ shows. The module counts who uses the frame
// view, so Probe() knows: it never answers kUnclear.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "fusefs/base/memory.h"
#include "fusefs/source/grabdma_session.h"

namespace grabfs {

class GrabdmaMemory : public Memory {
 public:
  // Number of the buffer in its session.
  [[nodiscard]] virtual uint32_t id() const = 0;
  [[nodiscard]] virtual const GrabdmaSession& session() const = 0;
};

// Allocates a buffer of the session and maps it. The memory keeps the session open, so that it can
// be asked about when the source, or the device, is gone. `name` is for messages. Throws Error.
std::unique_ptr<GrabdmaMemory> AllocateGrabdmaMemory(std::shared_ptr<GrabdmaSession> session,
                                                     const std::string& name, uint64_t bytes,
                                                     uint32_t strategy);

// The same for output; both files are the live view.
std::unique_ptr<GrabdmaMemory> AllocateGrabdmaOutput(std::shared_ptr<GrabdmaSession> session,
                                                     const std::string& name, uint64_t bytes,
                                                     uint32_t strategy, uint32_t writeback_ms);

// Memory for capture, for whoever wants some later.
std::shared_ptr<MemoryAllocator> MakeGrabdmaAllocator(std::shared_ptr<GrabdmaSession> session,
                                                      uint32_t strategy);

}  // namespace grabfs
