// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/frame_guards.h"

#include <algorithm>
#include <utility>

#include "fusefs/base/clock.h"

namespace grabfs {
namespace {

constexpr uint64_t kDurationNs = kNsPerSecond / 20;
// For how long after a stale open lookups are suspected to be too slow.
constexpr uint64_t kWantedNs = kNsPerSecond;

}  // namespace

FrameGuards::~FrameGuards() { Release(entries_); }

void FrameGuards::OpenWasStale() { wanted_until_ns_ = MonotonicNs() + kWantedNs; }

bool FrameGuards::Wanted() const {
  const uint64_t until = wanted_until_ns_;
  return until != 0 && MonotonicNs() < until;
}

std::optional<Ring::Frame> FrameGuards::GuardNewest(const std::shared_ptr<Pool>& pool) {
  const std::lock_guard lock(mutex_);
  const uint64_t until = MonotonicNs() + kDurationNs;
  const bool full = entries_.size() >= (pool->memory.size() + 1) / 2;
  if (full && entries_.back().pool == pool) {
    entries_.back().until_ns = until;
    ++entries_.back().lookups;
    return entries_.back().frame;
  }
  while (const auto newest = pool->ring.Newest()) {
    const auto held = pool->ring.Hold(newest->info.sequence);
    if (!held) continue;  // gone meanwhile, so there is a newer one
    entries_.push_back({pool, *held, 1, until});
    return held;
  }
  return std::nullopt;
}

void FrameGuards::Opened(const Pool& pool, uint64_t sequence) {
  std::vector<Entry> ended;
  {
    const std::lock_guard lock(mutex_);
    const auto it = std::ranges::find_if(entries_, [&](const Entry& entry) {
      return entry.pool.get() == &pool && entry.frame.info.sequence == sequence;
    });
    if (it == entries_.end() || --it->lookups > 0) return;
    ended.push_back(std::move(*it));
    entries_.erase(it);
  }
  Release(ended);
}

bool FrameGuards::Expire() {
  std::vector<Entry> expired;
  bool some = false;
  {
    const std::lock_guard lock(mutex_);
    const uint64_t now = MonotonicNs();
    const auto split = std::ranges::partition(
        entries_, [now](const Entry& entry) { return entry.until_ns > now; });
    expired.assign(split.begin(), split.end());
    entries_.erase(split.begin(), split.end());
    some = !entries_.empty();
  }
  Release(expired);
  return some;
}

void FrameGuards::Release(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) entry.pool->ring.Release(entry.frame.slot, false);
}

}  // namespace grabfs
