// SPDX-License-Identifier: Apache-2.0
#include "cli/save/frame_source.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace grabfs::cli {

FrameSource::FrameSource(const Device& device, Choice choice)
    : device_(device),
      choice_(choice),
      start_(device.Status()),
      camera_(OpenCamera(device)),
      position_(start_.sequence.next) {
  Seek(position_);
}

void FrameSource::Seek(uint64_t sequence) {
  WithErrors([&] { camera_.Seek(sequence); });
  position_ = sequence;
}

std::optional<grabfs::Frame> FrameSource::Take(double seconds, bool holds) {
  using Timeout = grabfs::Device::Timeout;
  const auto timeout = std::chrono::duration_cast<Timeout>(std::chrono::duration<double>(seconds));
  full_ = false;
  try {
    auto frame = WithErrors(
        [&] { return choice_ == Choice::kEach ? camera_.Each(timeout) : camera_.Next(timeout); });
    if (frame) Count(**frame);
    return frame;
  } catch (const Error& error) {
    if (error.code() != EDQUOT || !holds) throw;
    full_ = true;
    return std::nullopt;
  }
}

void FrameSource::Count(const grabfs_frame& frame) {
  position_ = frame.sequence + 1;
  if (frame.sequence < first_sequence()) return;
  ++frames_;
  lost_ += std::min(frame.missed, frame.sequence - first_sequence());
}

// What the device had behind it a while ago has been found since, or it will not be.
bool FrameSource::SkipLost() {
  const uint64_t decided = std::exchange(decided_, device_.Status().sequence.next);
  if (decided <= position_) return false;
  lost_ += decided - std::max(position_, first_sequence());
  Seek(decided);
  return true;
}

Tally FrameSource::MakeTally() const {
  Tally tally;
  const DeviceStatus::Counters now = device_.Status().counters;
  uint64_t dropped = now.dropped - start_.counters.dropped;
  uint64_t failed = 0;
  uint64_t missed = 0;
  if (choice_ == Choice::kEach) {
    dropped = std::min(lost_, dropped);
    failed = std::min(lost_ - dropped, now.failed - start_.counters.failed);
    missed = lost_ - dropped - failed;
  }
  tally.Count({Outcome::Kind::kFrame, 0, frames_, 0, ""});
  tally.Count({Outcome::Kind::kMissed, 0, missed, 0, ""});
  tally.Count({Outcome::Kind::kFailed, 0, failed, 0, ""});
  tally.Count({Outcome::Kind::kDropped, 0, dropped, 0, dropped > 0 ? "no free buffer" : ""});
  return tally;
}

}  // namespace grabfs::cli
