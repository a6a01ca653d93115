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
// How often an unpaced source that finds no buffer tries again (and counts a drop).
constexpr int kStarvedRetryMs = 1;

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
    case CaptureState::kGone:
      return "gone";
  }
  return "error";
}

Device::Device(Config config, std::unique_ptr<Source> source)
    : config_(std::move(config)),
      description_(source->description()),
      output_(source->output()),
      allocator_(source->allocator()),
      controls_(source->controls()),
      events_(std::make_shared<EventLog>(config_.name)),
      streams_(std::make_shared<FrameStreams>()),
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
  streams_->Close();
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
    while (!state_.gone()) {
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
    if (current_->ring.TakeDoubt()) observer_->OnDoubt(*this);
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
  const int source_fd = state_.gone() ? -1 : source_->event_fd();
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
  Publish([&](DeviceState& state) { state.last_error = reason; });
  CaptureEnded(CaptureState::kGone);
  streams_->Close();
  events_->Close();
  observer_->OnUnplugged(*this);
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
  Publish([&](DeviceState& state) {
    state.state = next;
    state.settings = source_->Settings();
  });
  const bool ended = before == CaptureState::kStreaming && next != CaptureState::kStreaming;
  if (ended || next == CaptureState::kError || next == CaptureState::kGone) streams_->End();
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
