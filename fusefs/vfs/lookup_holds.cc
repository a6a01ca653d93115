// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/lookup_holds.h"

#include <algorithm>
#include <iterator>

#include "fusefs/base/clock.h"

namespace grabfs {
namespace {

// How long a hold lasts: longer than from a lookup to its open on a busy machine. Not longer,
// because lookups without an open can fill half of the buffers, and then others get frames of this
// age.
constexpr uint64_t kDurationNs = kNsPerSecond / 2;
// For how long after a stale open lookups hold their frames.
constexpr uint64_t kWantedNs = kNsPerSecond;

}  // namespace

LookupHolds::~LookupHolds() { Release(entries_); }

void LookupHolds::FrameWasGone() { wanted_until_ns_ = MonotonicNs() + kWantedNs; }

bool LookupHolds::Wanted() const {
  const uint64_t until = wanted_until_ns_;
  return until != 0 && MonotonicNs() < until;
}

std::optional<Ring::Frame> LookupHolds::HoldNewest(const std::shared_ptr<Pool>& pool,
                                                   pid_t thread) {
  std::vector<Entry> ended;
  std::optional<Ring::Frame> frame;
  {
    const std::lock_guard lock(mutex_);
    Abandon(thread);
    ended = TakeEnded();
    frame = Add(pool, thread);
  }
  Release(ended);
  return frame;
}

std::optional<Ring::Frame> LookupHolds::Add(const std::shared_ptr<Pool>& pool, pid_t thread) {
  const bool full = entries_.size() >= (pool->memory.size() + 1) / 2;
  if (full && entries_.back().pool == pool) {
    // Does not prolong its time, or everybody would get this one frame for ever.
    entries_.back().threads.push_back(thread);
    return entries_.back().frame;
  }
  while (const auto newest = pool->ring.Newest()) {
    const auto held = pool->ring.Hold(newest->info.sequence);
    if (!held) continue;  // recycled meanwhile, so there is a newer one
    entries_.push_back({pool, *held, {thread}, MonotonicNs() + kDurationNs});
    return held;
  }
  return std::nullopt;
}

void LookupHolds::Opened(const Pool& pool, uint64_t sequence, pid_t thread) {
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

bool LookupHolds::Expire() {
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

void LookupHolds::Abandon(pid_t thread) {
  if (thread == 0) return;
  for (Entry& entry : entries_) std::erase(entry.threads, thread);
}

std::vector<LookupHolds::Entry> LookupHolds::TakeEnded() {
  const uint64_t now = MonotonicNs();
  const auto ended = [now](const Entry& entry) {
    return entry.threads.empty() || entry.until_ns <= now;
  };
  std::vector<Entry> taken;
  std::ranges::copy_if(entries_, std::back_inserter(taken), ended);
  std::erase_if(entries_, ended);
  return taken;
}

void LookupHolds::Release(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) entry.pool->ring.Release(entry.frame.slot, false);
}

}  // namespace grabfs
