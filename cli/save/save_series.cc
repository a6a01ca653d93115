// SPDX-License-Identifier: Apache-2.0
#include "cli/save/save_series.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "cli/base/exit_code.h"
#include "cli/base/text.h"

namespace grabfs::cli {
namespace {

// More encoders would only compete with the readers and writers of the same frames.
constexpr unsigned kMaxWorkers = 4;

unsigned WorkerCount() { return std::clamp(std::thread::hardware_concurrency(), 1U, kMaxWorkers); }

// Half of the buffers: the other half is for other readers of the device.
std::optional<uint64_t> TriggerWindow(const DeviceStatus& status) {
  if (status.state == "streaming") return std::nullopt;
  return std::max<uint64_t>(1, status.buffers.count / 2);
}

bool Ready(const std::future<Saved>& pending) {
  return pending.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace

SaveSeries::SaveSeries(const Device& device, const Saver& saver, uint64_t frames, double silence,
                       OnSaved on_saved)
    : device_(device),
      saver_(saver),
      wanted_(frames),
      silence_(silence),
      on_saved_(std::move(on_saved)),
      source_(device, FrameSource::Choice::kEach),
      window_(TriggerWindow(device.Status())),
      workers_(WorkerCount()) {}

bool SaveSeries::Finished() const { return (window_ ? outcomes() : source_.frames()) >= wanted_; }

Tally SaveSeries::Run() {
  Deadline deadline = Deadline::After(silence_);
  while (!Finished()) {
    if (window_) Trigger();
    if (Take()) {
      deadline = Deadline::After(silence_);
    } else if (deadline.expired()) {
      throw TimeoutError(device_.name() + ": no frame in " + Decimal(silence_, 1) +
                         " s: " + ExplainSilence(device_.Status()));
    }
    Deliver(pending_.size());
  }
  Deliver(0);
  return source_.MakeTally();
}

// Triggers so many frames that `window_` of them are due or unsaved. If none is due no event would
// come: then it waits until a frame is saved.
void SaveSeries::Trigger() {
  // Somebody else may trigger, too: then more frames come than this has ordered.
  const uint64_t due = triggered_ - std::min(triggered_, outcomes());
  if (due == 0 && pending_.size() >= *window_) Deliver(*window_ - 1);
  const uint64_t busy = due + pending_.size();
  if (busy >= *window_ || triggered_ == wanted_) return;
  const uint64_t more = std::min(*window_ - busy, wanted_ - triggered_);
  device_.Set("trigger", std::to_string(more));
  triggered_ += more;
}

bool SaveSeries::Take() {
  std::optional<grabfs::Frame> frame = source_.Take(std::min(kGlance, silence_), !pending_.empty());
  if (frame) {
    Begin(std::move(*frame));
    return true;
  }
  if (source_.full()) {
    Deliver(pending_.size() - 1);
    return true;
  }
  return source_.SkipLost() && window_.has_value();
}

void SaveSeries::Begin(grabfs::Frame frame) {
  std::packaged_task<Saved()> save([&saver = saver_, frame = std::move(frame)]() mutable {
    const grabfs::Frame released = std::move(frame);
    return saver.Save(released);
  });
  pending_.push_back(save.get_future());
  workers_.Submit(WorkerPool::Task(std::move(save)));
}

void SaveSeries::Deliver(size_t unfinished) {
  while (!pending_.empty() && (pending_.size() > unfinished || Ready(pending_.front()))) {
    DeliverFirst();
  }
}

void SaveSeries::DeliverFirst() {
  const Saved saved = pending_.front().get();
  pending_.pop_front();
  on_saved_(saved, source_.lost());
}

}  // namespace grabfs::cli
