// SPDX-License-Identifier: Apache-2.0
//
// Software sources: one frame at a time, from due to painted or lost.
#include "fusefs/source/software/software.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include "fusefs/base/clock.h"
#include "fusefs/base/error.h"

namespace grabfs {
namespace {

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

}  // namespace

SoftwareSource::SoftwareSource(Rate rate) : pacer_(rate) { rate_ = rate; }

int SoftwareSource::event_fd() const {
  const bool something_due = remaining_ > 0 || late_ + starved_ > 0;
  return rate().unlimited() && something_due ? -1 : pacer_.fd();
}

void SoftwareSource::OnSetRate(Rate rate) {
  pacer_.SetRate(rate, MonotonicNs());
  if (remaining_ > 0) pacer_.Arm();
}

void SoftwareSource::OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) {
  buffers_ = buffers;
}

void SoftwareSource::OnAttach(uint32_t buffer, std::shared_ptr<Memory> memory) {
  attached_.emplace(buffer, std::move(memory));
}

void SoftwareSource::OnDetach(uint32_t buffer) { attached_.erase(buffer); }

Memory* SoftwareSource::Find(uint32_t buffer) const {
  if (buffer < buffers_.size()) return buffers_[buffer].get();
  const auto it = attached_.find(buffer);
  return it == attached_.end() ? nullptr : it->second.get();
}

void SoftwareSource::OnStart(uint64_t frames) {
  remaining_ = frames == 0 ? kNoLimit : frames;
  pacer_.Start(MonotonicNs());
  pacer_.Arm();
}

void SoftwareSource::OnExtend(uint64_t frames) {
  if (remaining_ == kNoLimit) return;
  // Nothing was due since the last frame of the capture, so nothing can be late.
  if (remaining_ == 0) pacer_.Resume(MonotonicNs());
  remaining_ += std::min(frames, kNoLimit - 1 - remaining_);
  if (remaining_ > 0) pacer_.Arm();
}

// Discards the queued buffer and losses that were not reported: they get no sequence numbers.
void SoftwareSource::OnStop() {
  remaining_ = 0;
  late_ = 0;
  starved_ = 0;
  queued_.reset();
  pacer_.Disarm();
}

uint32_t SoftwareSource::OnWanted() {
  if (queued_) return 0;
  const uint64_t now = MonotonicNs();
  const uint64_t late = std::min(pacer_.Lost(now), remaining_);
  late_ += late;
  Consume(late);
  if (remaining_ > 0 && pacer_.Due(now)) return 1;
  // An expired timer stays readable while there is something to report.
  if (late_ + starved_ > 0) return 0;
  if (remaining_ > 0) {
    pacer_.Arm();
  } else {
    pacer_.Disarm();
  }
  return 0;
}

void SoftwareSource::OnQueue(uint32_t buffer) {
  if (queued_ || Find(buffer) == nullptr) {
    throw Error(EINVAL, "queue: buffer " + std::to_string(buffer) + " is not wanted");
  }
  queued_ = buffer;
  Consume(1);
  // Before the frame is made, not after it: readers wait for the completion.
  if (remaining_ > 0) pacer_.Arm();
}

void SoftwareSource::OnStarve() {
  if (queued_ || remaining_ == 0 || !pacer_.Due(MonotonicNs())) return;
  ++starved_;
  Consume(1);
}

void SoftwareSource::Consume(uint64_t frames) {
  pacer_.Advance(frames);
  if (remaining_ != kNoLimit) remaining_ -= frames;
}

// Late frames first: they were due before the one without a buffer.
std::optional<Completion> SoftwareSource::OnDequeue() {
  if (late_ > 0) {
    --late_;
    return MakeDrop("making frames is slower than the rate");
  }
  if (starved_ > 0) {
    --starved_;
    return MakeDrop("no free buffer");
  }
  if (!queued_) return std::nullopt;
  Completion completion = MakeFrame(*queued_);
  queued_.reset();
  return completion;
}

Completion SoftwareSource::MakeDrop(const char* reason) {
  Completion completion;
  completion.kind = Completion::Kind::kDropped;
  completion.sequence = sequence_++;
  completion.timestamp_ns = MonotonicNs();
  completion.reason = reason;
  return completion;
}

Completion SoftwareSource::MakeFrame(uint32_t buffer) {
  Completion completion;
  completion.buffer = buffer;
  completion.sequence = sequence_++;
  try {
    Paint(completion.sequence, Find(buffer)->bytes().first(format_.bytes));
    completion.bytes_used = format_.bytes;
  } catch (const Error& error) {
    completion.kind = Completion::Kind::kError;
    completion.reason = error.what();
  }
  completion.timestamp_ns = MonotonicNs();
  return completion;
}

}  // namespace grabfs
