// SPDX-License-Identifier: Apache-2.0
//
// The commands of a Device, and in which states it refuses them. Public functions only post; all
// else here runs in the capture thread.
#include <cerrno>
#include <string>
#include <utility>

#include "fusefs/base/clock.h"
#include "fusefs/capture/device.h"

namespace grabfs {
namespace {

constexpr uint32_t kMaxWritebackMs = 60000;

}  // namespace

void Device::RequireStopped(const char* what) const {
  RequirePlugged();
  if (source_->capturing()) {
    throw Error(EBUSY, std::string("cannot change ") + what + " while capturing: stop first");
  }
}

void Device::RequirePlugged() const {
  if (state_.gone()) throw Error(ENODEV, name() + ": the device has been unplugged");
}

void Device::SetFormat(FormatRequest request, Done done) {
  Post(
      [this, request] {
        RequireStopped("the format");
        const FrameFormat before = source_->format();
        source_->SetFormat(request);
        if (source_->format() == before) return;
        try {
          ReplacePool(static_cast<uint32_t>(current_->memory.size()));
        } catch (const Error&) {
          source_->SetFormat({before.fourcc, before.width, before.height});
          throw;
        }
      },
      std::move(done));
}

void Device::SetRate(Rate rate, Done done) {
  Post(
      [this, rate] {
        source_->SetRate(rate);
        Publish([&](DeviceState& state) { state.rate = source_->rate(); });
      },
      std::move(done));
}

void Device::SetControl(std::string name, std::string value, Done done) {
  Post(
      [this, name = std::move(name), value = std::move(value)] {
        RequirePlugged();
        const FrameFormat before = source_->format();
        source_->SetControl(name, value);
        if (source_->format() == before) return;
        ReplacePool(static_cast<uint32_t>(current_->memory.size()));
      },
      std::move(done));
}

void Device::SetBuffers(uint32_t count, Done done) {
  Post(
      [this, count] {
        RequireStopped("the number of buffers");
        if (count != current_->memory.size()) ReplacePool(count);
      },
      std::move(done));
}

void Device::SetPolicy(Policy policy, Done done) {
  Post(
      [this, policy] {
        current_->ring.SetPolicy(policy);
        Publish([&](DeviceState& state) { state.policy = policy; });
      },
      std::move(done));
}

void Device::Start(Done done) {
  Post(
      [this] {
        RequirePlugged();
        if (state_.state == CaptureState::kStreaming) return;
        HaltSource();
        StartSource(0);
        EnterState(CaptureState::kStreaming);
      },
      std::move(done));
}

void Device::Stop(Done done) {
  Post(
      [this] {
        RequirePlugged();
        HaltSource();
        EnterState(CaptureState::kStopped);
      },
      std::move(done));
}

void Device::Trigger(uint64_t frames, Done done) {
  Post(
      [this, frames] {
        RequirePlugged();
        if (state_.state == CaptureState::kStreaming) {
          throw Error(EBUSY, "trigger: the device is streaming: stop it first");
        }
        if (frames == 0) {
          CaptureEnded(CaptureState::kStopped);
          return;
        }
        Order(frames);
      },
      std::move(done));
}

void Device::Order(uint64_t frames) {
  if (outstanding_ + frames < frames) {
    throw Error(EINVAL, "trigger: too many frames are waiting already");
  }
  source_->capturing() ? source_->Extend(frames) : StartSource(frames);
  outstanding_ += frames;
  Publish([&](DeviceState& state) { state.trigger = outstanding_; });
  EnterState(CaptureState::kStopped);
}

void Device::CaptureInto(Target target, Done done) {
  Post(
      [this, target = std::move(target)] {
        try {
          RequirePlugged();
          targets_.Add(*source_, target);
        } catch (const Error&) {
          target.on_done(source_->format(), nullptr);
          throw;
        }
        Publish([&](DeviceState& state) { state.into = targets_.next(); });
        if (state_.state == CaptureState::kStreaming) return;
        try {
          Order(1);
        } catch (const Error& error) {
          DropTargets(error.what());
          throw;
        }
      },
      std::move(done));
}

void Device::Output(std::shared_ptr<Pool> pool, uint32_t slot, bool always, Done done) {
  Post(
      [this, pool = std::move(pool), slot, always] {
        const uint32_t notes =
            pool->notes[slot].fetch_and(~static_cast<uint32_t>(Pool::kBufferDirty));
        if (!always && (notes & Pool::kBufferDirty) == 0) return;
        try {
          Present(*pool, slot);
        } catch (const Error&) {
          // The buffer stays dirty, so the next fsync() tries again.
          pool->notes[slot] |= Pool::kBufferDirty;
          throw;
        }
      },
      std::move(done));
}

void Device::Present(Pool& pool, uint32_t slot) {
  RequirePlugged();
  if (&pool != current_.get()) throw Error(ESTALE, name() + ": the buffers have been replaced");
  source_->Present(slot);
  const uint64_t now = MonotonicNs();
  const uint64_t sequence = next_sequence_++;
  pool.ring.CompleteElsewhere({.sequence = sequence, .timestamp_ns = now});
  if (!events_->HasReaders()) return;
  events_->Append("output", {{"sequence", sequence}, {"buffer", slot}, {"timestamp_ns", now}});
}

void Device::SetWriteback(uint32_t milliseconds, Done done) {
  Post(
      [this, milliseconds] {
        if (!output_) throw Error(EOPNOTSUPP, "writeback_ms: the device makes pictures");
        if (milliseconds > kMaxWritebackMs) {
          throw Error(EINVAL, "writeback_ms: at most " + std::to_string(kMaxWritebackMs));
        }
        source_->SetWriteback(milliseconds);
        if (sees_writes()) ReplacePool(static_cast<uint32_t>(current_->memory.size()));
        Publish([&](DeviceState& state) { state.writeback_ms = milliseconds; });
      },
      std::move(done));
}

void Device::SetAnnounce(bool announce, Done done) {
  Post(
      [this, announce] {
        if (output_) throw Error(EOPNOTSUPP, "announce: the device shows pictures");
        announces_ = announce;
        Publish([&](DeviceState& state) { state.announce = announce; });
      },
      std::move(done));
}

void Device::CancelTargets(Done done) {
  Post(
      [this] {
        RequirePlugged();
        if (targets_.next().empty()) return;
        if (state_.state == CaptureState::kStreaming) {
          throw Error(EBUSY, "into: the next frame is on its way");
        }
        CaptureEnded(CaptureState::kStopped);
      },
      std::move(done));
}

void Device::Reject(const Error& error, Done done) {
  // Not the exception itself: the C++ library counts references to its text, which ThreadSanitizer
  // cannot see.
  Post([code = error.code(), text = std::string(error.what())] { throw Error(code, text); },
       std::move(done));
}

}  // namespace grabfs
