// SPDX-License-Identifier: Apache-2.0
//
// Holds frames for a moment between the lookup of their name and their open, where a device
// captures so fast that its frames are gone by then. The kernel repeats a lookup once after ESTALE
// and then gives up; so a lookup that follows a stale open takes a hold, and its open cannot be
// stale.
//
// A thread has one guard at most: the kernel may look a name up twice for one open (once to find
// its memory of it outdated), and what was named first is then of no interest any more.
//
// Threads: any.
#pragma once

#include <sys/types.h>

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
  // Holds the newest frame until `thread` opens it or looks again, at most for a moment. When half
  // of the buffers are guarded already, because capture goes first, the newest of those: no frame
  // newer than that has been guarded before. nullopt: there is no frame.
  // `thread` is the client's, 0 when it is not known.
  std::optional<Ring::Frame> GuardNewest(const std::shared_ptr<Pool>& pool, pid_t thread);
  // The open that a lookup announced has come.
  void Opened(const Pool& pool, uint64_t sequence, pid_t thread);
  // Ends the guards whose time is over. True while there are others.
  bool Expire();

 private:
  struct Entry {
    std::shared_ptr<Pool> pool;
    Ring::Frame frame;
    std::vector<pid_t> threads;  // whose open has not come yet
    uint64_t until_ns;           // CLOCK_MONOTONIC
  };
  // These three expect mutex_ to be held.
  void Abandon(pid_t thread);
  std::vector<Entry> TakeEnded();  // to be released without the lock
  std::optional<Ring::Frame> Guard(const std::shared_ptr<Pool>& pool, pid_t thread);
  static void Release(const std::vector<Entry>& entries);

  std::atomic<uint64_t> wanted_until_ns_ = 0;
  std::mutex mutex_;            // guards entries_; before Ring's
  std::vector<Entry> entries_;  // the newest frame last
};

}  // namespace grabfs
