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

bool FrameGuards::Guard(const std::shared_ptr<Pool>& pool, uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= (pool->memory.size() + 1) / 2) return true;
  const auto frame = pool->ring.Hold(sequence);
  if (!frame) return false;
  entries_.push_back({pool, frame->slot, MonotonicNs() + kDurationNs});
  return true;
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
  for (const Entry& entry : entries) entry.pool->ring.Release(entry.slot, false);
}

}  // namespace grabfs
