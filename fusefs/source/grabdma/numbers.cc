// SPDX-License-Identifier: Apache-2.0
//
// The module announces each loss twice: at once by a drop record, and by the next frame record.
// Whichever this class handles first reports the loss; `reported_` keeps the other from repeating
// it.
#include "fusefs/source/grabdma/numbers.h"

#include <algorithm>

namespace grabfs {

void FrameNumbers::Begin() {
  beginning_ = true;
  reported_ = dropped_;
}

FrameNumbers::Step FrameNumbers::Frame(uint64_t sequence, uint64_t dropped) {
  const auto count = static_cast<int64_t>(dropped);
  const Step step =
      Advance(sequence, static_cast<uint64_t>(std::max<int64_t>(count - reported_, 0)));
  dropped_ -= count;
  reported_ = 0;
  next_ = step.next + 1;
  return step;
}

void FrameNumbers::Drop(uint64_t sequence, uint64_t dropped) {
  dropped_ += static_cast<int64_t>(dropped);
  last_dropped_ = sequence;
}

FrameNumbers::Step FrameNumbers::ReportDrops() {
  const auto lost = static_cast<uint64_t>(dropped_ - reported_);
  const Step step = Advance(last_dropped_ + 1, lost);
  reported_ = dropped_;
  next_ = step.next;
  return step;
}

// Keeps the adapter's number if it continues the numbers returned so far: within a capture if it is
// the next one, at the beginning of a capture if it is any larger one.
FrameNumbers::Step FrameNumbers::Advance(uint64_t sequence, uint64_t lost) {
  const uint64_t wanted = sequence + offset_;
  const uint64_t at_least = next_ + lost;
  const bool continues = beginning_ ? wanted >= at_least && wanted <= kLargest : wanted == at_least;
  if (!continues) offset_ = at_least - sequence;
  beginning_ = false;
  const uint64_t number = sequence + offset_;
  return {.first_lost = number - lost, .lost = lost, .next = number};
}

}  // namespace grabfs
