// SPDX-License-Identifier: Apache-2.0
//
// Which number each frame of a grabdma device gets, and which frames were lost before it.
//
// The module counts every frame that was due, and frames keep that number. But its count belongs to
// the adapter: it goes on while others capture, and it can jump or wrap. Numbers told here only
// rise, and within a capture a gap is a loss, never anything else.
#pragma once

#include <cstdint>

namespace grabfs {

class FrameNumbers {
 public:
  // Numbers above are not believed: they are of a counter that has wrapped or been set.
  static constexpr uint64_t kLargest = uint64_t{1} << 40;

  // `lost` frames, numbered upwards from `first_lost`, and after them a frame of number `next`.
  struct Step {
    uint64_t first_lost = 0;
    uint64_t lost = 0;
    uint64_t next = 0;
  };

  // A capture begins. What the adapter counted since the last one is no loss; all records of that
  // one have been shown.
  void Begin();
  // A frame or error record: `dropped` frames were lost between the one before and this one.
  Step Frame(uint64_t sequence, uint64_t dropped);
  // A drop record: `dropped` frames were lost, the last one being `sequence`. Told by the next
  // Frame() or TellDrops(), because the frame before the lost ones may still be in flight.
  void Drop(uint64_t sequence, uint64_t dropped);
  [[nodiscard]] bool drops_pending() const { return dropped_ > told_; }
  // No frame is in flight: what has been lost since the last one.
  Step TellDrops();

 private:
  Step Advance(uint64_t sequence, uint64_t lost);

  bool beginning_ = true;      // nothing has been told since Begin()
  uint64_t next_ = 0;          // number of the next frame, lost or not
  uint64_t offset_ = 0;        // from the adapter's numbers to ours, modulo 2^64
  int64_t dropped_ = 0;        // by drop records, less what frames have accounted for
  int64_t told_ = 0;           // of those, since the last frame
  uint64_t last_dropped_ = 0;  // the adapter's number
};

}  // namespace grabfs
