// SPDX-License-Identifier: Apache-2.0
//
// The buffers of a device from one change of format to the next: their memory and the ring that
// says what is in them. Handles of open files share it, so held frames outlive a change of format,
// and the device.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "fusefs/base/memory.h"
#include "fusefs/base/outdated_pages.h"
#include "fusefs/base/pixel_format.h"
#include "fusefs/ring/ring.h"

namespace grabfs {

struct Pool {
  // `policy`, `on_available`: see Ring. Takes as many slots as there are memories.
  Pool(uint32_t generation_number, const FrameFormat& frame_format,
       std::vector<std::unique_ptr<Memory>> buffers, Policy policy, Ring::OnAvailable on_available);

  // Bits of notes[slot], kept by the layer above: what the kernel may have cached.
  enum Note : uint32_t {
    kFrameNameKnown = 1,    // the directory entry of the frame in the slot
    kBufferAttrKnown = 2,   // size and times of the buffer file
    kBufferPagesKnown = 4,  // pages of the buffer file (cached path)
    kBufferNameKnown = 8,   // the directory entry of the buffer
    kBufferDirty = 16,      // output: written, not on the device yet
  };

  const uint32_t generation;  // 0, 1, ... within the device
  const FrameFormat format;
  const std::vector<std::shared_ptr<Memory>> memory;  // by slot
  const uint64_t huge_page_bytes;  // of the memory: in 2 MiB pages, as the kernel gave them
  std::vector<std::atomic<uint32_t>> notes;  // by slot
  std::vector<OutdatedPages> outdated;       // by slot, of the buffer file (cached path)
  // Whatever the layer above needs to live as long as the frame's file and the live file of the
  // memory, by slot; guarded by that layer.
  std::vector<std::shared_ptr<void>> frame_attachments;
  std::vector<std::shared_ptr<void>> live_attachments;
  Ring ring;
};

}  // namespace grabfs
