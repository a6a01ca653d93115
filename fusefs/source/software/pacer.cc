// SPDX-License-Identifier: Apache-2.0
//
// The arithmetic of schedules.
#include "fusefs/source/software/pacer.h"

#include <algorithm>

namespace grabfs {

Pacer::Pacer(Rate rate) : rate_(rate) {}

void Pacer::Start(uint64_t now) {
  begin_ns_ = now;
  next_ = 0;
}

void Pacer::Resume(uint64_t now) {
  if (Due(now)) Start(now);
}

void Pacer::SetRate(Rate rate, uint64_t now) {
  // Unpaced frames were due when they were made.
  const bool begun = next_ > 0;
  uint64_t last = rate_.unlimited() || !begun ? now : DueNs(next_ - 1);
  rate_ = rate;
  next_ = begun ? 1 : 0;
  // After a long interval, frames of the new rate must not be overdue from the beginning.
  if (begun && !rate.unlimited()) last = std::max(last, now - std::min(now, rate.DueNs(1)));
  begin_ns_ = last;
}

bool Pacer::Due(uint64_t now) const { return rate_.unlimited() || DueNs(next_) <= now; }

uint64_t Pacer::Lost(uint64_t now) const {
  if (rate_.unlimited() || DueNs(next_) + kPatienceNs >= now) return 0;
  return rate_.DueBefore(now - kPatienceNs - begin_ns_) - next_;
}

void Pacer::Advance(uint64_t frames) { next_ += frames; }

void Pacer::Arm() {
  if (!rate_.unlimited()) timer_.At(DueNs(next_));
}

void Pacer::Disarm() { timer_.At(0); }

}  // namespace grabfs
