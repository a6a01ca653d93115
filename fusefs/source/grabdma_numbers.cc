// SPDX-License-Identifier: Apache-2.0
//
// Losses are announced twice, by drop records at once and by the next frame: whoever comes first
// tells them, the other finds them told.
#include "fusefs/source/grabdma_numbers.h"

#include <algorithm>

namespace grabfs {

void FrameNumbers::Begin() {
  beginning_ = true;
  told_ = dropped_;
}

FrameNumbers::Step FrameNumbers::Frame(uint64_t sequence, uint64_t dropped) {
  const auto count = static_cast<int64_t>(dropped);
  const Step step = Advance(sequence, static_cast<uint64_t>(std::max<int64_t>(count - told_, 0)));
  dropped_ -= count;
  told_ = 0;
  next_ = step.next + 1;
  return step;
}

void FrameNumbers::Drop(uint64_t sequence, uint64_t dropped) {
  dropped_ += static_cast<int64_t>(dropped);
  last_dropped_ = sequence;
}

FrameNumbers::Step FrameNumbers::TellDrops() {
  const auto lost = static_cast<uint64_t>(dropped_ - told_);
  const Step step = Advance(last_dropped_ + 1, lost);
  told_ = dropped_;
  next_ = step.next;
  return step;
}

// The adapter's own number is kept where it continues ours: directly within a capture, somewhere
// above at its beginning.
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
