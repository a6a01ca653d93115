// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/device.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fusefs/base/clock.h"
#include "fusefs/base/log.h"

namespace grabfs {
namespace {

constexpr uint32_t kMaxBuffers = 65535;
constexpr size_t kMaxNameLength = 64;
constexpr uint32_t kMaxWritebackMs = 60000;
// How often an unpaced source that finds no buffer tries again (and counts a drop).
constexpr int kStarvedRetryMs = 1;

uint64_t RealtimeOf(uint64_t monotonic_ns) { return RealtimeNs() - (MonotonicNs() - monotonic_ns); }

void Wake(const UniqueFd& event) { (void)eventfd_write(event.get(), 1); }

}  // namespace

const char* CaptureStateName(CaptureState state) {
  switch (state) {
    case CaptureState::kStopped:
      return "stopped";
    case CaptureState::kStreaming:
      return "streaming";
    case CaptureState::kError:
      return "error";
  }
  return "error";
}

void ValidateDeviceName(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (name.empty() || name.size() > kMaxNameLength || name.front() == '.' ||
      !std::ranges::all_of(name, allowed)) {
    throw Error(EINVAL,
                "device name '" + name +
                    "': use 1 to 64 letters, digits, '.', '_' or '-', not starting with '.'");
  }
  if (name == "status.json" || name == "alloc") {
    throw Error(EINVAL, "device name '" + name + "' is used by the mount itself: choose another");
  }
}

Device::Device(Config config, std::unique_ptr<Source> source)
    : config_(std::move(config)),
      description_(source->description()),
      output_(source->output()),
      allocator_(source->allocator()),
      events_(std::make_shared<EventLog>(config_.name)),
      wake_fd_(std::make_shared<UniqueFd>(
          CheckSyscall(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"))),
      source_(std::move(source)) {
  state_.policy = config_.policy;
  ReplacePool(config_.buffers);
}

Device::~Device() { Halt(); }

void Device::Halt() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  commands_pending_ = true;
  Wake(*wake_fd_);
  if (thread_.joinable()) thread_.join();
  events_->Close();
}

void Device::Run(DeviceObserver* observer) {
  observer_ = observer;
  thread_ = std::thread([this] { Loop(); });
  if (config_.start) {
    Start([this](const Error* error) {
      if (error) LogError(name() + ": cannot start streaming: " + error->what());
    });
  }
}

DeviceState Device::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::shared_ptr<Pool> Device::pool() const {
  const std::lock_guard lock(mutex_);
  return pool_;
}

RingCounters Device::counters() const {
  std::shared_ptr<Pool> pool;
  RingCounters total;
  {
    const std::lock_guard lock(mutex_);
    pool = pool_;
    total = retired_counters_;
  }
  return total += pool->ring.Counters();
}

std::vector<std::shared_ptr<Pool>> Device::retired_pools() const {
  std::vector<std::shared_ptr<Pool>> pools;
  const std::lock_guard lock(mutex_);
  for (auto it = retired_.rbegin(); it != retired_.rend(); ++it) {
    if (auto pool = it->lock()) pools.push_back(std::move(pool));
  }
  return pools;
}

// --- Commands

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
          // As if just written: whoever asks next tries again.
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
  // An exception's text is counted by the C++ library, out of ThreadSanitizer's sight: each thread
  // gets one of its own.
  Post([code = error.code(), text = std::string(error.what())] { throw Error(code, text); },
       std::move(done));
}

void Device::Post(Action action, Done done) {
  bool accepted = false;
  auto command = [this, action = std::move(action), done] {
    std::optional<Error> failure;
    try {
      action();
    } catch (const Error& error) {
      failure = error;
    }
    Publish([&](DeviceState& state) { state.last_error = failure ? failure->what() : ""; });
    done(failure ? &*failure : nullptr);
  };
  {
    const std::lock_guard lock(mutex_);
    if (!quit_) commands_.emplace_back(std::move(command));
    accepted = !quit_;
  }
  if (!accepted) {
    const Error error(ENODEV, name() + ": the daemon is ending");
    done(&error);
    return;
  }
  commands_pending_ = true;
  Wake(*wake_fd_);
}

// --- The capture thread

void Device::RunCommands() {
  if (!commands_pending_.exchange(false)) return;
  for (;;) {
    Action command;
    {
      const std::lock_guard lock(mutex_);
      if (commands_.empty()) return;
      command = std::move(commands_.front());
      commands_.pop_front();
    }
    command();
  }
}

void Device::Loop() {
  for (;;) {
    RunCommands();
    {
      const std::lock_guard lock(mutex_);
      if (quit_ && commands_.empty()) break;
    }
    if (!Pump()) Wait();
  }
  HaltSource();
}

bool Device::Pump() {
  bool progress = false;
  try {
    while (!state_.unplugged) {
      const auto completion = source_->Dequeue();
      if (!completion) break;
      OnCompletion(*completion);
      progress = true;
    }
    if (!source_->capturing()) return progress;
    for (uint32_t wanted = source_->Wanted(); wanted > 0; --wanted) {
      progress |= targets_.waiting();
      if (targets_.waiting()) {
        targets_.QueueNext(*source_);
        continue;
      }
      const auto fill = current_->ring.BeginFill();
      if (!fill) {
        source_->Starve();
        break;
      }
      Queue(*fill);
      progress = true;
    }
  } catch (const Error& error) {
    LogError(name() + ": " + error.what());
    Publish([&](DeviceState& state) { state.last_error = error.what(); });
    if (events_->HasReaders()) events_->Append("error", {{"reason", error.what()}});
    CaptureEnded(CaptureState::kError);
  }
  return progress;
}

void Device::Wait() {
  // An idle source is listened to as well: that is how an unplugged device is noticed. A negative
  // descriptor is ignored by poll().
  const int source_fd = state_.unplugged ? -1 : source_->event_fd();
  pollfd fds[2] = {{wake_fd_->get(), POLLIN, 0}, {source_fd, POLLIN, 0}};
  const bool unpaced = source_->capturing() && source_fd < 0;
  (void)poll(fds, 2, unpaced ? kStarvedRetryMs : -1);
  if (fds[0].revents) {
    eventfd_t ignored = 0;
    (void)eventfd_read(wake_fd_->get(), &ignored);
  }
}

void Device::Queue(const Ring::Fill& fill) {
  if (fill.evicted) {
    const uint32_t notes = current_->notes[fill.slot].fetch_and(
        ~static_cast<uint32_t>(Pool::kFrameNameKnown), std::memory_order_relaxed);
    observer_->OnFrameGone(*this, *fill.evicted, notes);
  }
  queued_[fill.slot] = true;
  source_->Queue(fill.slot);
}

void Device::FinishFill(uint32_t slot) {
  queued_[slot] = false;
  observer_->OnFillEnded(*this, *current_, slot);
}

void Device::StartSource(uint64_t frames) {
  source_->Start(frames);
  beginning_ = true;
}

uint64_t Device::Rebase(uint64_t source_sequence) {
  // A source whose count starts over (a driver reset, a wrapped counter) must not give a name
  // twice.
  if (sequence_base_ + source_sequence < next_sequence_) {
    sequence_base_ = next_sequence_ - source_sequence;
  }
  // What the device counted while nobody here wanted frames is no loss.
  if (std::exchange(beginning_, false)) next_sequence_ = sequence_base_ + source_sequence;
  return sequence_base_ + source_sequence;
}

void Device::CountDropped(uint64_t sequence, uint64_t count, const std::string& reason) {
  current_->ring.Drop(count);
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

void Device::OnFailure(const Completion& completion, uint64_t sequence) {
  LogWarning(name() + ": frame " + std::to_string(sequence) + ": " + completion.reason);
  if (auto target = targets_.Take(*source_, completion.buffer)) {
    current_->ring.FailElsewhere();
    target->on_done(current_->format, nullptr);
    Publish([&](DeviceState& state) { state.into = targets_.next(); });
    events_->Append(
        "error", {{"sequence", sequence}, {"file", target->name}, {"reason", completion.reason}});
    return;
  }
  current_->ring.Fail(completion.buffer);
  FinishFill(completion.buffer);
  events_->Append("error", {{"sequence", sequence}, {"reason", completion.reason}});
}

void Device::FrameInTarget(Target target, const Completion& completion, uint64_t sequence) {
  target.on_refilled();
  const FrameInfo info =
      current_->ring.CompleteElsewhere({.sequence = sequence,
                                        .timestamp_ns = completion.timestamp_ns,
                                        .realtime_ns = RealtimeOf(completion.timestamp_ns),
                                        .bytes_used = completion.bytes_used,
                                        .flags = completion.flags});
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
  const FrameInfo info =
      current_->ring.Complete(slot, {.sequence = sequence,
                                     .timestamp_ns = completion.timestamp_ns,
                                     .realtime_ns = RealtimeOf(completion.timestamp_ns),
                                     .bytes_used = completion.bytes_used,
                                     .flags = completion.flags});
  if (events_->HasReaders()) {
    events_->Append("frame", {{"sequence", sequence},
                              {"buffer", slot},
                              {"timestamp_ns", info.timestamp_ns},
                              {"bytes_used", info.bytes_used},
                              {"dropped", info.dropped},
                              {"flags", info.flags}});
  }
  FinishFill(slot);
}

void Device::CaptureEnded(CaptureState next) {
  HaltSource();
  EnterState(next);
}

void Device::HaltSource() {
  if (source_->capturing()) source_->Stop();
  DropTargets("capturing ended before the frame came");
  outstanding_ = 0;
  for (uint32_t slot = 0; slot < queued_.size(); ++slot) {
    if (!queued_[slot]) continue;
    current_->ring.Cancel(slot);
    FinishFill(slot);
  }
  Publish([&](DeviceState& state) { state.trigger = 0; });
}

void Device::Unplug(const std::string& reason) {
  LogWarning(name() + ": device is gone: " + reason);
  Publish([&](DeviceState& state) {
    state.unplugged = true;
    state.last_error = reason;
  });
  CaptureEnded(CaptureState::kError);
  events_->Close();
  observer_->OnUnplugged(*this);
}

void Device::RequireStopped(const char* what) const {
  RequirePlugged();
  if (source_->capturing()) {
    throw Error(EBUSY, std::string("cannot change ") + what + " while capturing: stop first");
  }
}

void Device::RequirePlugged() const {
  if (state_.unplugged) throw Error(ENODEV, name() + ": the device has been unplugged");
}

std::shared_ptr<Pool> Device::MakePool(uint32_t buffers) {
  if (buffers == 0 || buffers > kMaxBuffers) {
    throw Error(EINVAL, "buffers_count " + std::to_string(buffers) + ": must be 1 to " +
                            std::to_string(kMaxBuffers));
  }
  return std::make_shared<Pool>(next_generation_, source_->format(),
                                source_->AllocateBuffers(name(), buffers), state_.policy,
                                [wake_fd = wake_fd_] { Wake(*wake_fd); });
}

void Device::ReplacePool(uint32_t buffers) {
  const auto replacement = MakePool(buffers);
  ++next_generation_;
  source_->Bind(replacement->memory);
  const auto old = std::exchange(current_, replacement);
  queued_.assign(buffers, false);
  std::vector<uint64_t> sequences;
  {
    const std::lock_guard lock(mutex_);
    pool_ = replacement;
    state_.format = source_->format();
    state_.rate = source_->rate();
    state_.buffers = buffers;
    state_.settings = source_->Settings();
    if (!old) return;
    sequences = old->ring.Retire();
    retired_counters_ += old->ring.Counters();
    std::erase_if(retired_, [](const auto& pool) { return pool.expired(); });
    retired_.push_back(old);
  }
  observer_->OnPoolReplaced(*this, *old, sequences);
}

void Device::EnterState(CaptureState next) {
  const CaptureState before = state().state;
  Publish([&](DeviceState& state) { state.state = next; });
  if (before != next && events_->HasReaders()) {
    events_->Append("state", {{"state", CaptureStateName(next)}});
  }
}

void Device::Publish(const std::function<void(DeviceState&)>& change) {
  const std::lock_guard lock(mutex_);
  change(state_);
  state_.next_sequence = next_sequence_;
}

}  // namespace grabfs
