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
#include <optional>
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
  // Holds the newest frame until it is opened, at most for a moment. When half of the buffers are
  // guarded already, because capture goes first, the newest of those. nullopt: there is no frame.
  std::optional<Ring::Frame> GuardNewest(const std::shared_ptr<Pool>& pool);
  // The open that a lookup announced has come.
  void Opened(const Pool& pool, uint64_t sequence);
  // Ends the guards whose time is over. True while there are others.
  bool Expire();

 private:
  struct Entry {
    std::shared_ptr<Pool> pool;
    Ring::Frame frame;
    uint32_t lookups;   // whose open has not come yet
    uint64_t until_ns;  // CLOCK_MONOTONIC
  };
  static void Release(const std::vector<Entry>& entries);

  std::atomic<uint64_t> wanted_until_ns_ = 0;
  std::mutex mutex_;  // guards entries_; before Ring's
  std::vector<Entry> entries_;
};

}  // namespace grabfs
