// SPDX-License-Identifier: Apache-2.0
//
// What becomes of each frame of a device from now on: the `events` file, with its gaps closed. A
// reader that was too slow ("lost" events) finds out from status.json and frames/ what it missed,
// so that every sequence number is told exactly once.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "cli/deadline.h"
#include "cli/device.h"
#include "cli/events.h"

namespace grabfs::cli {

// The fate of `count` frames from `sequence` on.
struct Outcome {
  enum class Kind {
    kFrame,    // complete; may be recycled before one opens it
    kDropped,  // the device had no buffer for it
    kFailed,   // the transfer failed
    kMissed,   // came and went while nobody looked, or was dropped then
  };
  Kind kind = Kind::kFrame;
  uint64_t sequence = 0;
  uint64_t count = 1;
  uint64_t timestamp_ns = 0;  // of a frame that an event told; else 0
  std::string reason;
};

class FrameFeed {
 public:
  // Starts listening. Throws Error.
  explicit FrameFeed(const Device& device);

  // The first sequence number that this feed tells about.
  [[nodiscard]] uint64_t first_sequence() const { return first_sequence_; }

  // The next outcome, or nullopt when there was none in time. Throws as EventReader::Next() does,
  // and Error(EIO) with the device's own words when it stops in the state `error`.
  std::optional<Outcome> Next(const Deadline& deadline);

 private:
  void Take(const Event& event);
  void Add(Outcome outcome);
  void CatchUp();

  Device device_;
  EventReader events_;
  const uint64_t first_sequence_;
  uint64_t next_sequence_;  // every frame before it has been told
  std::deque<Outcome> told_;
};

}  // namespace grabfs::cli
