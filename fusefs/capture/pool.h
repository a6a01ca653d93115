// SPDX-License-Identifier: Apache-2.0
//
// The buffers of a device from one change of format to the next: their memory, and the ring that
// says what is in them. Open files share the ownership, so held frames outlive a change of format,
// and the device. Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "fusefs/base/memory.h"
#include "fusefs/base/mutex.h"
#include "fusefs/base/outdated_pages.h"
#include "fusefs/base/pixel_format.h"
#include "fusefs/base/shared_pages.h"
#include "fusefs/ring/ring.h"

namespace grabfs {

struct Pool : std::enable_shared_from_this<Pool> {
  // Has RenewNow() called in the renewal thread. Called by any thread; may be called after the end
  // of the device.
  using OnRenew = std::function<void(std::shared_ptr<Pool> pool, uint32_t slot)>;

  // `policy`, `on_available`: see Ring. Takes as many slots as there are memories.
  Pool(uint32_t generation_number, const FrameFormat& frame_format,
       std::vector<std::unique_ptr<Memory>> buffers, Policy policy, Ring::OnAvailable on_available,
       OnRenew on_renew = nullptr);

  // Renews a slot (see Ring) and reports the result to the ring. False: it was put aside, because
  // there is no memory, or because somebody may have the buffer mapped for writing: he may have
  // pinned its pages, and would see the old ones for ever. One thread at a time.
  bool RenewNow(uint32_t slot);

  // The ring file that readers map, made by the first call, which may take milliseconds. `inode`:
  // its inode number; `buffer_inodes`: those of the buffers, by slot. Throws Error.
  struct SharedRing {
    std::shared_ptr<SharedPages> pages;
    std::shared_ptr<RingFile> file;
  };
  SharedRing ShareRing(uint64_t inode, std::vector<uint64_t> buffer_inodes,
                       const RingFile::Numbers& numbers);

  // Bits of notes[slot]: what the kernel may have cached. The layer above sets and clears them.
  enum Note : uint32_t {
    kFrameNameKnown = 1,    // the directory entry of the frame in the slot
    kBufferAttrKnown = 2,   // size and times of the buffer file
    kBufferPagesKnown = 4,  // pages of the buffer file (cached path)
    kBufferNameKnown = 8,   // the directory entry of the buffer
    kBufferDirty = 16,      // output: written, not on the device yet
    kBufferWriters = 32,    // somebody who had the buffer open for writing may have it mapped still
  };

  const uint32_t generation;  // 0, 1, ... within the device
  const FrameFormat format;
  const std::vector<std::shared_ptr<Memory>> memory;  // by slot
  const bool sees_pages;                              // all of the memory, see Memory
  std::vector<std::atomic<uint32_t>> notes;           // by slot
  std::vector<std::atomic<uint32_t>> writers;         // by slot: how often it is open for writing
  // By slot: how often buffers/NNN.raw is open. Counted before the open is answered, because a
  // probe might take a lease, and then an open with O_NONBLOCK would fail.
  std::vector<std::atomic<uint32_t>> followers;
  std::vector<OutdatedPages> outdated;  // by slot, of the buffer file (cached path)
  // By slot: objects of the layer above that live as long as the frame's file and the live file of
  // the memory; guarded by that layer.
  std::vector<std::shared_ptr<void>> frame_attachments;
  std::vector<std::shared_ptr<void>> live_attachments;
  std::shared_ptr<void> ring_attachment;  // the same, of the ring file
  std::atomic<uint64_t> huge_page_bytes;  // how much of the memory the kernel has in 2 MiB pages
  std::atomic<uint64_t> renewed = 0;      // how many slots were renewed
  Ring ring;

 private:
  [[nodiscard]] bool MayBeUsed(uint32_t slot);
  [[nodiscard]] bool MayBeWritten(uint32_t slot) const;

  const OnRenew on_renew_;
  Mutex mutex_;  // guards shared_ring_; before Ring's
  SharedRing shared_ring_;
};

}  // namespace grabfs
