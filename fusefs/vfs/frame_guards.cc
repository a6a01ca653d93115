// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/frame_guards.h"

#include <algorithm>
#include <iterator>

#include "fusefs/base/clock.h"

namespace grabfs {
namespace {

// Longer than it takes from a lookup to its open, on busy machines too; but who only looks makes
// others see a frame that is so old, where half of the buffers are guarded.
constexpr uint64_t kDurationNs = kNsPerSecond / 5;
// For how long after a stale open lookups are suspected to be too slow.
constexpr uint64_t kWantedNs = kNsPerSecond;

}  // namespace

FrameGuards::~FrameGuards() { Release(entries_); }

void FrameGuards::OpenWasStale() { wanted_until_ns_ = MonotonicNs() + kWantedNs; }

bool FrameGuards::Wanted() const {
  const uint64_t until = wanted_until_ns_;
  return until != 0 && MonotonicNs() < until;
}

std::optional<Ring::Frame> FrameGuards::GuardNewest(const std::shared_ptr<Pool>& pool,
                                                    pid_t thread) {
  std::vector<Entry> ended;
  std::optional<Ring::Frame> frame;
  {
    const std::lock_guard lock(mutex_);
    Abandon(thread);
    ended = TakeEnded();
    frame = Guard(pool, thread);
  }
  Release(ended);
  return frame;
}

std::optional<Ring::Frame> FrameGuards::Guard(const std::shared_ptr<Pool>& pool, pid_t thread) {
  const bool full = entries_.size() >= (pool->memory.size() + 1) / 2;
  if (full && entries_.back().pool == pool) {
    // Its time is not prolonged: everybody would be shown this one frame for ever.
    entries_.back().threads.push_back(thread);
    return entries_.back().frame;
  }
  while (const auto newest = pool->ring.Newest()) {
    const auto held = pool->ring.Hold(newest->info.sequence);
    if (!held) continue;  // gone meanwhile, so there is a newer one
    entries_.push_back({pool, *held, {thread}, MonotonicNs() + kDurationNs});
    return held;
  }
  return std::nullopt;
}

void FrameGuards::Opened(const Pool& pool, uint64_t sequence, pid_t thread) {
  std::vector<Entry> ended;
  {
    const std::lock_guard lock(mutex_);
    const auto entry = std::ranges::find_if(entries_, [&](const Entry& candidate) {
      return candidate.pool.get() == &pool && candidate.frame.info.sequence == sequence;
    });
    if (entry == entries_.end()) return;
    const auto waiting = std::ranges::find(entry->threads, thread);
    if (waiting != entry->threads.end()) entry->threads.erase(waiting);
    ended = TakeEnded();
  }
  Release(ended);
}

bool FrameGuards::Expire() {
  std::vector<Entry> ended;
  bool some = false;
  {
    const std::lock_guard lock(mutex_);
    ended = TakeEnded();
    some = !entries_.empty();
  }
  Release(ended);
  return some;
}

void FrameGuards::Abandon(pid_t thread) {
  if (thread == 0) return;
  for (Entry& entry : entries_) std::erase(entry.threads, thread);
}

std::vector<FrameGuards::Entry> FrameGuards::TakeEnded() {
  const uint64_t now = MonotonicNs();
  const auto ended = [now](const Entry& entry) {
    return entry.threads.empty() || entry.until_ns <= now;
  };
  std::vector<Entry> taken;
  std::ranges::copy_if(entries_, std::back_inserter(taken), ended);
  std::erase_if(entries_, ended);
  return taken;
}

void FrameGuards::Release(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) entry.pool->ring.Release(entry.frame.slot, false);
}

}  // namespace grabfs
