// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/frame_feed.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cli/base/exit_code.h"
#include "fusefs/base/error.h"

namespace grabfs::cli {

FrameFeed::FrameFeed(const Device& device)
    : device_(device),
      events_(device.File("events"), device.name()),
      first_sequence_(device.Status().sequence.next),
      next_sequence_(first_sequence_) {}

std::optional<Outcome> FrameFeed::Next(const Deadline& deadline) {
  while (outcomes_.empty()) {
    const std::optional<Event> event = events_.Next(deadline);
    if (!event) return std::nullopt;
    Take(*event);
  }
  Outcome outcome = std::move(outcomes_.front());
  outcomes_.pop_front();
  return outcome;
}

void FrameFeed::Take(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kFrame:
      return Add({Outcome::Kind::kFrame, event.sequence, 1, event.timestamp_ns, ""});
    case Event::Kind::kDrop:
      return Add({Outcome::Kind::kDropped, event.sequence, event.count, 0, event.reason});
    case Event::Kind::kError:
      return Add({Outcome::Kind::kFailed, event.sequence, event.count, 0, event.reason});
    case Event::Kind::kInto:
      // No frame of this feed: it is in a file of alloc/.
      next_sequence_ = std::max(next_sequence_, event.sequence + 1);
      return;
    case Event::Kind::kLost:
      return CatchUp();
    case Event::Kind::kState:
      if (event.state == "gone") {
        throw NoDeviceError(device_.name() + ": the device has been unplugged");
      }
      if (event.state != "error") return;
      throw Error(EIO, device_.name() + ": capture ended: " + device_.Status().last_error);
    case Event::Kind::kOther:
      return;
  }
}

// Drops what was reported already: after CatchUp(), older events still come.
void FrameFeed::Add(Outcome outcome) {
  const uint64_t end = outcome.sequence + outcome.count;
  if (end <= next_sequence_) return;
  outcome.sequence = std::max(outcome.sequence, next_sequence_);
  outcome.count = end - outcome.sequence;
  next_sequence_ = end;
  outcomes_.push_back(std::move(outcome));
}

void FrameFeed::CatchUp() {
  const uint64_t end = device_.Status().sequence.next;
  for (const uint64_t sequence : device_.FrameSequences()) {
    if (sequence < next_sequence_ || sequence >= end) continue;
    if (sequence > next_sequence_) {
      Add({Outcome::Kind::kMissed, next_sequence_, sequence - next_sequence_, 0, ""});
    }
    Add({Outcome::Kind::kFrame, sequence, 1, 0, ""});
  }
  if (next_sequence_ < end) {
    Add({Outcome::Kind::kMissed, next_sequence_, end - next_sequence_, 0, ""});
  }
}

}  // namespace grabfs::cli
