// SPDX-License-Identifier: Apache-2.0
//
// Holds frames for a moment between the lookup of their name and their open, where a device
// captures so fast that its frames are gone by then. The kernel repeats a lookup once after ESTALE
// and then gives up; so a lookup that follows a stale open takes a hold, and its open cannot be
// stale.
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "fusefs/capture/pool.h"

namespace grabfs {

class FrameGuards {
 public:
  ~FrameGuards();

  // An open came too late.
  void OpenWasStale();
  // Lookups should guard what they name.
  [[nodiscard]] bool Wanted() const;
  // Holds the frame for kDuration; false when it is gone already. Does nothing, and says true, when
  // half of the buffers are guarded: capture goes first.
  bool Guard(const std::shared_ptr<Pool>& pool, uint64_t sequence);
  // Ends the guards whose time is over. True while there are others.
  bool Expire();

 private:
  struct Entry {
    std::shared_ptr<Pool> pool;
    uint32_t slot;
    uint64_t until_ns;  // CLOCK_MONOTONIC
  };
  static void Release(const std::vector<Entry>& entries);

  std::atomic<uint64_t> wanted_until_ns_ = 0;
  std::mutex mutex_;  // guards entries_; before Ring's
  std::vector<Entry> entries_;
};

}  // namespace grabfs
