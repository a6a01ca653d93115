// SPDX-License-Identifier: Apache-2.0
#include "cli/save/recorder.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "cli/base/exit_code.h"
#include "cli/base/stop_signals.h"
#include "cli/base/text.h"

namespace grabfs::cli {
namespace {

bool Works(const DeviceStatus& status) { return status.state == "streaming" || status.trigger > 0; }

// Starts a stopped device; the destructor stops it again.
class Streaming {
 public:
  explicit Streaming(const Device& device) : device_(device), begun_(!Works(device.Status())) {
    if (begun_) device_.Set("state", "start");
  }
  ~Streaming() {
    if (begun_) (void)Stop();
  }
  Streaming(const Streaming&) = delete;
  Streaming& operator=(const Streaming&) = delete;

 private:
  // False: it could not be stopped, because it is gone.
  [[nodiscard]] bool Stop() const {
    try {
      device_.Set("state", "stop");
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  const Device& device_;
  const bool begun_;
};

bool Ready(const std::future<uint64_t>& pending) {
  return pending.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace

Recorder::Recorder(const Device& device, Recording& recording, const Options& options)
    : device_(device),
      recording_(recording),
      options_(options),
      source_(device, FrameSource::Choice::kEach) {}

Tally Recorder::Run(const OnProgress& on_progress) {
  on_progress_ = on_progress;
  deadline_ = Deadline::After(options_.seconds);
  try {
    RecordHistory();
    if (!Finished()) {
      const Streaming streaming(device_);
      Record();
    }
    AwaitWritten(0);
  } catch (...) {
    for (const auto& pending : unwritten_) pending.wait();
    throw;
  }
  return source_.MakeTally();
}

// Of the frames from before Run(): those that are held are kept, and the others are the next that
// capture takes, so this is done before a stopped device starts.
void Recorder::RecordHistory() {
  std::vector<uint64_t> history = device_.FrameSequences();
  std::erase_if(history, [this](uint64_t number) { return number >= source_.first_sequence(); });
  const size_t before = std::min<uint64_t>(options_.before, history.size());
  if (before == 0) return;
  source_.Seek(history[history.size() - before]);
  while (source_.position() < source_.first_sequence() && TakeFrame(0)) continue;
}

void Recorder::Record() {
  Deadline silence = Deadline::After(options_.silence);
  while (!Finished()) {
    const bool taken = TakeFrame(kGlance);
    AwaitWritten(unwritten_.size());
    on_progress_(state_);
    if (taken) {
      silence = Deadline::After(options_.silence);
    } else if (Idle(silence)) {
      return;
    }
  }
}

bool Recorder::Finished() const {
  return StopSignals::came() || deadline_.expired() ||
         (options_.frames && source_.frames() >= *options_.frames);
}

bool Recorder::TakeFrame(double seconds) {
  std::optional<grabfs::Frame> frame = source_.Take(seconds, !unwritten_.empty());
  while (!frame && source_.full()) {
    AwaitWritten(unwritten_.size() - 1);
    frame = source_.Take(seconds, !unwritten_.empty());
  }
  state_.lost = source_.lost();
  if (!frame) return false;
  if ((*frame)->sequence < source_.first_sequence()) ++state_.before;
  Submit(std::move(*frame));
  return true;
}

bool Recorder::Idle(Deadline& silence) {
  if (source_.SkipLost()) silence = Deadline::After(options_.silence);
  const DeviceStatus status = device_.Status();
  if (!Works(status)) return source_.position() >= status.sequence.next;
  if (!silence.expired()) return false;
  AwaitWritten(0);
  throw TimeoutError(device_.name() + ": no frame in " + Decimal(options_.silence, 1) +
                     " s: " + ExplainSilence(status));
}

void Recorder::Submit(grabfs::Frame frame) {
  std::packaged_task<uint64_t()> write([this, frame = std::move(frame)]() mutable {
    const grabfs::Frame released = std::move(frame);
    recording_.Add(released);
    return recording_.bytes();
  });
  unwritten_.push_back(write.get_future());
  writer_.Submit(WorkerPool::Task(std::move(write)));
}

void Recorder::AwaitWritten(size_t unwritten) {
  while (!unwritten_.empty() && (unwritten_.size() > unwritten || Ready(unwritten_.front()))) {
    std::future<uint64_t> first = std::move(unwritten_.front());
    unwritten_.pop_front();
    state_.bytes = first.get();
    ++state_.recorded;
  }
}

}  // namespace grabfs::cli
