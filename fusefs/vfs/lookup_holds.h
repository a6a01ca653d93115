// SPDX-License-Identifier: Apache-2.0
//
// Holds frames for a moment between the lookup of latest.* and the open, if a device captures so
// fast that its frames are gone by then. After ESTALE the kernel repeats a lookup once, and then
// gives up. So a lookup that follows a stale open holds the frame, and its open finds it.
//
// Each thread has one such hold at most. The kernel may look a name up twice for one open (if its
// cached entry has expired); then the frame of the first lookup is not needed any more.
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

#include "fusefs/base/mutex.h"
#include "fusefs/capture/pool.h"

namespace grabfs {

class LookupHolds {
 public:
  ~LookupHolds();

  // An open has found its frame gone, or the question for attributes that the kernel may ask before
  // it: from Linux 6.13 on it asks if other inodes have left its cache since the lookup.
  void FrameWasGone();
  // That was a moment ago: lookups should hold their frames.
  [[nodiscard]] bool Wanted() const;
  // Holds the newest frame until `thread` opens it or looks up again, at most half a second. At
  // most half of the buffers are held like this, because capture has priority; beyond that it
  // returns the newest frame that is held already. nullopt: there is no frame. `thread`: the
  // client's, 0 if unknown.
  std::optional<Ring::Frame> HoldNewest(const std::shared_ptr<Pool>& pool, pid_t thread);
  // The open after a lookup: ends the hold of `thread`.
  void Opened(const Pool& pool, uint64_t sequence, pid_t thread);
  // Ends the holds whose time is over. True while there are others.
  bool Expire();

 private:
  struct Entry {
    std::shared_ptr<Pool> pool;
    Ring::Frame frame;
    std::vector<pid_t> threads;  // that have looked it up and not opened it yet
    uint64_t until_ns;           // CLOCK_MONOTONIC
  };
  // These three expect mutex_ to be held.
  void Abandon(pid_t thread);
  std::vector<Entry> TakeEnded();  // to be released without the lock
  std::optional<Ring::Frame> Add(const std::shared_ptr<Pool>& pool, pid_t thread);
  static void Release(const std::vector<Entry>& entries);

  std::atomic<uint64_t> wanted_until_ns_ = 0;
  Mutex mutex_;                 // guards entries_; before Ring's
  std::vector<Entry> entries_;  // the newest frame last
};

}  // namespace grabfs
