// SPDX-License-Identifier: Apache-2.0
//
// Computes the sequence number of each frame of a grabdma device, and which frames were lost before
// it.
//
// The module counts every frame that was due, and frames keep that number. But it is the adapter's
// count: it goes on while other sessions capture, and it can jump or wrap. The numbers computed
// here only rise, and within a capture a gap is always a loss.
#pragma once

#include <cstdint>

namespace grabfs {

class FrameNumbers {
 public:
  // Larger numbers of the adapter are not used: its counter has wrapped or was set.
  static constexpr uint64_t kLargest = uint64_t{1} << 40;

  // `lost` frames, numbered upwards from `first_lost`, and after them a frame of number `next`.
  struct Step {
    uint64_t first_lost = 0;
    uint64_t lost = 0;
    uint64_t next = 0;
  };

  // A capture begins. Frames that the adapter counted since the last capture are no loss. All
  // records of the last capture have been passed to Frame() or Drop().
  void Begin();
  // A frame or error record: `dropped` frames were lost between the one before and this one.
  Step Frame(uint64_t sequence, uint64_t dropped);
  // A drop record: `dropped` frames were lost, the last one being `sequence`. The next Frame() or
  // ReportDrops() reports them, because the frame before them may not be complete yet.
  void Drop(uint64_t sequence, uint64_t dropped);
  [[nodiscard]] bool drops_pending() const { return dropped_ > reported_; }
  // To be called when no frame is being filled: the frames lost since the last frame.
  Step ReportDrops();

 private:
  Step Advance(uint64_t sequence, uint64_t lost);

  bool beginning_ = true;      // nothing was returned since Begin()
  uint64_t next_ = 0;          // number of the next frame, lost or not
  uint64_t offset_ = 0;        // from the adapter's numbers to ours, modulo 2^64
  int64_t dropped_ = 0;        // lost by drop records, less those that frame records have counted
  int64_t reported_ = 0;       // of those, returned by ReportDrops() since the last frame
  uint64_t last_dropped_ = 0;  // the adapter's number
};

}  // namespace grabfs
