// SPDX-License-Identifier: Apache-2.0
//
// What a Device does with what its source reports: frames, failures, losses, the end. Runs in the
// capture thread.
#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "fusefs/base/clock.h"
#include "fusefs/base/log.h"
#include "fusefs/capture/device.h"

namespace grabfs {
namespace {

uint64_t RealtimeOf(uint64_t monotonic_ns) { return RealtimeNs() - (MonotonicNs() - monotonic_ns); }

FrameInfo InfoOf(const Completion& completion, uint64_t sequence) {
  return {.sequence = sequence,
          .timestamp_ns = completion.timestamp_ns,
          .realtime_ns = RealtimeOf(completion.timestamp_ns),
          .bytes_used = completion.bytes_used,
          .flags = completion.flags,
          .origin = completion.origin};
}

}  // namespace

uint64_t Device::Rebase(uint64_t source_sequence) {
  // A source whose count starts over (a driver reset, a wrapped counter) must not produce the same
  // name twice.
  if (sequence_base_ + source_sequence < next_sequence_) {
    sequence_base_ = next_sequence_ - source_sequence;
  }
  // Frames that the device counted while this source did not capture are no loss.
  if (std::exchange(beginning_, false)) next_sequence_ = sequence_base_ + source_sequence;
  return sequence_base_ + source_sequence;
}

void Device::CountDropped(uint64_t sequence, uint64_t count, const std::string& reason) {
  current_->ring.Drop(count);
  streams_->Lost(count, ENOBUFS);
  if (!events_->HasReaders()) return;
  const std::string text = reason.empty() ? "no free buffer" : reason;
  events_->Append("drop", {{"sequence", sequence}, {"count", count}, {"reason", text}});
}

void Device::OnCompletion(const Completion& completion) {
  if (completion.kind == Completion::Kind::kGone) {
    Unplug(completion.reason);
    return;
  }
  if (completion.kind == Completion::Kind::kIdle) {
    current_->ring.Recheck();
    return;
  }
  if (completion.kind == Completion::Kind::kTrouble) {
    OnTrouble(completion.reason);
    return;
  }
  const uint64_t sequence = Rebase(completion.sequence);
  const uint64_t missing = sequence - next_sequence_;
  const bool dropped = completion.kind == Completion::Kind::kDropped;
  const uint64_t lost = missing + (dropped ? 1 : 0);
  if (lost > 0) CountDropped(next_sequence_, lost, dropped ? completion.reason : "");
  next_sequence_ = sequence + 1;
  if (completion.kind == Completion::Kind::kFrame) {
    OnFrame(completion, sequence);
  } else if (completion.kind == Completion::Kind::kError) {
    OnFailure(completion, sequence);
  }
  const bool limited = outstanding_ > 0;
  outstanding_ -= std::min(outstanding_, missing + 1);
  Publish([&](DeviceState& state) { state.trigger = outstanding_; });
  if (limited && outstanding_ == 0) CaptureEnded(CaptureState::kStopped);
}

void Device::OnTrouble(const std::string& reason) {
  LogWarning(name() + ": " + reason);
  Publish([&](DeviceState& state) {
    state.NoteError(reason);
    state.settings = source_->Settings();
  });
  if (events_->HasReaders()) events_->Append("error", {{"reason", reason}});
}

void Device::OnFailure(const Completion& completion, uint64_t sequence) {
  LogWarning(name() + ": frame " + std::to_string(sequence) + ": " + completion.reason);
  // The source may have changed its settings because of the failure (another I/O method).
  Publish([&](DeviceState& state) { state.settings = source_->Settings(); });
  if (auto target = targets_.Take(*source_, completion.buffer)) {
    current_->ring.FailElsewhere();
    target->on_done(current_->format, nullptr);
    Publish([&](DeviceState& state) { state.into = targets_.next(); });
    events_->Append(
        "error", {{"sequence", sequence}, {"file", target->name}, {"reason", completion.reason}});
    return;
  }
  current_->ring.Fail(completion.buffer);
  streams_->Lost(1, EIO);
  FinishFill(completion.buffer);
  events_->Append("error", {{"sequence", sequence}, {"reason", completion.reason}});
}

void Device::FrameInTarget(Target target, const Completion& completion, uint64_t sequence) {
  target.on_refilled();
  const FrameInfo info = current_->ring.CompleteElsewhere(InfoOf(completion, sequence));
  target.on_done(current_->format, &info);
  Publish([&](DeviceState& state) { state.into = targets_.next(); });
  if (!events_->HasReaders()) return;
  events_->Append("into", {{"sequence", sequence},
                           {"file", target.name},
                           {"timestamp_ns", info.timestamp_ns},
                           {"bytes_used", info.bytes_used},
                           {"dropped", info.dropped},
                           {"flags", info.flags}});
}

void Device::DropTargets(const std::string& reason) {
  for (const Target& target : targets_.TakeAll(*source_)) {
    target.on_done(current_->format, nullptr);
    events_->Append("error", {{"file", target.name}, {"reason", reason}});
  }
  Publish([](DeviceState& state) { state.into.clear(); });
}

void Device::OnFrame(const Completion& completion, uint64_t sequence) {
  if (auto target = targets_.Take(*source_, completion.buffer)) {
    return FrameInTarget(std::move(*target), completion, sequence);
  }
  const uint32_t slot = completion.buffer;
  observer_->OnRefilled(*this, *current_, slot);
  const FrameInfo info = current_->ring.Complete(slot, InfoOf(completion, sequence));
  current_->ring.WakeReaders();
  NamesChanged();
  streams_->Frame(current_, sequence);
  events_->AppendFrame(current_, sequence,
                       {{"sequence", sequence},
                        {"buffer", slot},
                        {"timestamp_ns", info.timestamp_ns},
                        {"bytes_used", info.bytes_used},
                        {"dropped", info.dropped},
                        {"flags", info.flags}});
  FinishFill(slot);
}

}  // namespace grabfs
