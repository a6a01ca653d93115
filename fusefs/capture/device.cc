// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/device.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fusefs/base/clock.h"
#include "fusefs/base/log.h"
#include "fusefs/base/thread.h"

namespace grabfs {
namespace {

// How often an unpaced source that finds no buffer tries again (and counts a drop).
constexpr int kStarvedRetryMs = 1;
// When to look at the source again, at the latest, while a buffer for it is being renewed.
constexpr int kRenewalRetryMs = 2;
// The same while readers of the ring file hold every slot that could be filled: they let go without
// a wakeup.
constexpr int kReadersRetryMs = 2;

}  // namespace

void DeviceState::NoteError(std::string reason) {
  last_error = std::move(reason);
  last_error_realtime_ns = RealtimeNs();
}

void DeviceState::NoteSuccess() {
  last_error.clear();
  last_error_realtime_ns = 0;
}

Device::Device(Config config, std::unique_ptr<Source> source)
    : config_(std::move(config)),
      description_(source->description()),
      output_(source->output()),
      allocator_(source->allocator()),
      controls_(source->controls()),
      shared_frames_(std::make_shared<SharedFrames>()),
      events_(std::make_shared<EventLog>(config_.name, shared_frames_,
                                         [this](auto task) { PostDelivery(std::move(task)); })),
      streams_(std::make_shared<FrameStreams>(
          shared_frames_, [this](auto task) { PostDelivery(std::move(task)); })),
      wake_fd_(std::make_shared<UniqueFd>(
          CheckSyscall(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"))),
      source_(std::move(source)),
      renewal_thread_(std::make_shared<TaskThread>()) {
  if (output_ && config_.announce) throw Error(EINVAL, name() + ": announce: it shows pictures");
  state_.policy = config_.policy;
  state_.announce = config_.announce;
  announces_ = config_.announce;
  ReplacePool(config_.buffers);
}

Device::~Device() { Halt(); }

void Device::Halt() {
  MayWait("a device to end");
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  commands_pending_ = true;
  (void)eventfd_write(wake_fd_->get(), 1);
  if (thread_.joinable()) thread_.join();
  halted_ = true;
  current_->ring.ShowState(ShownInRing(CaptureState::kGone));
  current_->ring.WakeReaders();
  renewal_thread_->Stop();
  streams_->Close();
  events_->Close();
  delivery_thread_.Stop();
}

void Device::Run(DeviceObserver* observer) {
  observer_ = observer;
  renewal_thread_->Start([] { return std::nullopt; });
  delivery_thread_.Start([] { return std::nullopt; });
  thread_ = StartThread(name(), [this] { Loop(); });
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

bool Device::gone() const {
  const std::lock_guard lock(mutex_);
  return state_.gone();
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
    } catch (...) {
      failure = ErrorFrom(std::current_exception());
    }
    Publish([&](DeviceState& state) {
      failure ? state.NoteError(failure->what()) : state.NoteSuccess();
    });
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
  (void)eventfd_write(wake_fd_->get(), 1);
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
    CatchAndLog(name(), command);
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
  CatchAndLog(name(), [this] { HaltSource(); });
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
    waits_for_renewal_ = false;
    waits_for_readers_ = false;
    for (uint32_t wanted = source_->Wanted(); wanted > 0; --wanted) {
      progress |= targets_.waiting();
      if (targets_.waiting()) {
        targets_.QueueNext(*source_);
        continue;
      }
      const bool urgent = source_->NeedsOneNow();
      const auto fill = current_->ring.BeginFill(urgent ? Ring::Need::kNow : Ring::Need::kAhead);
      for (const auto& [slot, info] : current_->ring.TakeEvicted()) NameIsGone(slot, info.sequence);
      if (!fill) {
        waits_for_renewal_ = current_->ring.WaitsForRenewal();
        waits_for_readers_ = current_->ring.WaitsForReaders();
        if (urgent && !waits_for_renewal_) source_->Starve();
        progress = false;  // the source reports the loss after the next Wait()
        break;
      }
      progress = true;
      if (fill->evicted) NameIsGone(fill->slot, *fill->evicted);
      if (fill->undecided) {
        observer_->OnUndecided(*this, *current_, fill->slot);
        if (!current_->ring.Confirm(fill->slot)) continue;
      }
      queued_[fill->slot] = true;
      source_->Queue(fill->slot);
    }
    if (current_->ring.TakeRecheckNeeded()) observer_->OnRecheckNeeded(*this);
  } catch (...) {
    Fail(ErrorFrom(std::current_exception()));
  }
  return progress;
}

// An unexpected exception puts the device into the state `error`; the mount goes on.
void Device::Fail(const Error& error) {
  LogError(name() + ": " + error.what());
  Publish([&](DeviceState& state) { state.NoteError(error.what()); });
  if (events_->HasReaders()) events_->Append("error", {{"reason", error.what()}});
  CatchAndLog(name(), [this] { CaptureEnded(CaptureState::kError); });
}

void Device::Wait() {
  // An idle source is polled, too, because it reports when the device is unplugged. While a renewal
  // is awaited the source is not polled: its due frame would keep it readable. OnAvailable wakes
  // this thread when there is a buffer. poll() ignores a negative descriptor.
  const int source_fd = state_.gone() || waits_for_renewal_ ? -1 : source_->event_fd();
  pollfd fds[2] = {{wake_fd_->get(), POLLIN, 0}, {source_fd, POLLIN, 0}};
  const bool unpaced = source_->capturing() && source_fd < 0;
  const int idle = waits_for_readers_ ? kReadersRetryMs : -1;
  (void)poll(fds, 2, waits_for_renewal_ ? kRenewalRetryMs : unpaced ? kStarvedRetryMs : idle);
  if (fds[0].revents) {
    eventfd_t ignored = 0;
    (void)eventfd_read(wake_fd_->get(), &ignored);
  }
}

void Device::NameIsGone(uint32_t slot, uint64_t sequence) {
  const uint32_t notes = current_->notes[slot].fetch_and(
      ~static_cast<uint32_t>(Pool::kFrameNameKnown), std::memory_order_relaxed);
  NamesChanged();
  observer_->OnFrameGone(*this, sequence, notes);
}

void Device::FinishFill(uint32_t slot) {
  queued_[slot] = false;
  observer_->OnFillEnded(*this, *current_, slot);
}

void Device::StartSource(uint64_t frames) {
  // If a change of format found no memory for its buffers, those of the old format are still there.
  if (source_->format() != current_->format) {
    ReplacePool(static_cast<uint32_t>(current_->memory.size()));
  }
  source_->Start(frames);
  beginning_ = true;
}

void Device::CaptureEnded(CaptureState next) {
  HaltSource();
  EnterState(next);
  // Lock requests that wait for a frame in a renewed slot need not wait any longer.
  for (uint32_t slot = 0; slot < current_->ring.slots(); ++slot) {
    if (current_->ring.AwaitsFrame(slot)) observer_->OnRenewed(*this, *current_, slot);
  }
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
  Publish([&](DeviceState& state) { state.NoteError(reason); });
  CaptureEnded(CaptureState::kGone);
  streams_->Close();
  events_->Close();
  observer_->OnUnplugged(*this);
}

bool Device::Unlink(uint64_t sequence) {
  if (!pool()->ring.Unlink(sequence)) return false;
  NamesChanged();
  return true;
}

void Device::NamesChanged() { names_changed_ns_ = RealtimeNs(); }

void Device::NoteRefusal(const Error& error) {
  const std::lock_guard lock(mutex_);
  state_.NoteError(error.what());
}

void Device::EnterState(CaptureState next) {
  const CaptureState before = state().state;
  Publish([&](DeviceState& state) {
    state.state = next;
    state.settings = source_->Settings();
  });
  current_->ring.ShowState(ShownInRing(next));
  current_->ring.WakeReaders();
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
