// SPDX-License-Identifier: Apache-2.0
//
// Reports what becomes of each frame of a device from now on. It reads the `events` file and closes
// its gaps: after a `lost` event (this reader was too slow) it finds out from status.json and
// frames/ what it missed. So each sequence number is reported exactly once.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "cli/base/deadline.h"
#include "cli/mount/device.h"
#include "cli/mount/events.h"

namespace grabfs::cli {

// What became of `count` frames from `sequence` on.
struct Outcome {
  enum class Kind {
    kFrame,    // complete; may be recycled before it is opened
    kDropped,  // the device had no buffer for it
    kFailed,   // the transfer failed
    kMissed,   // recycled or dropped while this reader was too slow
  };
  Kind kind = Kind::kFrame;
  uint64_t sequence = 0;
  uint64_t count = 1;
  uint64_t timestamp_ns = 0;  // of a frame that an event reported; else 0
  std::string reason;
};

class FrameFeed {
 public:
  // Opens `events`. Throws Error.
  explicit FrameFeed(const Device& device);

  // The first sequence number that this feed reports.
  [[nodiscard]] uint64_t first_sequence() const { return first_sequence_; }

  // The next outcome; nullopt: none came in time. Throws as EventReader::Next() does, and
  // Error(EIO) with the device's last_error when it enters the state `error`.
  std::optional<Outcome> Next(const Deadline& deadline);

 private:
  void Take(const Event& event);
  void Add(Outcome outcome);
  void CatchUp();

  Device device_;
  EventReader events_;
  const uint64_t first_sequence_;
  uint64_t next_sequence_;  // all frames before it were reported
  std::deque<Outcome> outcomes_;
};

}  // namespace grabfs::cli
