// SPDX-License-Identifier: Apache-2.0
#include "cli/save/recorder.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <ranges>
#include <utility>
#include <vector>

#include "cli/base/exit_code.h"
#include "cli/base/stop_signals.h"
#include "cli/base/text.h"
#include "fusefs/base/file_limit.h"

namespace grabfs::cli {
namespace {

constexpr double kGlance = 0.1;  // seconds: how often to look for signals and the end

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
    : device_(device), recording_(recording), options_(options), feed_(device) {}

Tally Recorder::Run(const OnProgress& on_progress) {
  RaiseFileLimit();  // a descriptor for each frame that is not written yet
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
  return tally_;
}

// Opens the newest first, because an open frame stays, and only opens them: all else is for later,
// when nothing can be recycled any more. At the first frame that is gone it ends: older ones are
// gone, too, or will be soon.
void Recorder::RecordHistory() {
  if (options_.before == 0) return;
  const std::vector<uint64_t> sequences = device_.FrameSequences();
  std::vector<std::pair<std::filesystem::path, UniqueFd>> history;
  for (const uint64_t sequence : sequences | std::views::reverse) {
    if (sequence >= feed_.first_sequence()) continue;
    if (history.size() == options_.before) break;
    try {
      auto frame = Frame::Hold(device_.FramePath(sequence));
      if (!frame) break;
      history.emplace_back(device_.FramePath(sequence), std::move(*frame));
    } catch (const Error& error) {
      if (error.code() != EDQUOT && error.code() != EMFILE) throw;
      break;  // this user may hold no more
    }
  }
  state_.before = history.size();
  for (auto& [path, held] : history | std::views::reverse) {
    Submit(Frame(path.string(), std::move(held)));
  }
}

void Recorder::Record() {
  Deadline silence = Deadline::After(options_.silence);
  while (!Finished()) {
    const std::optional<Outcome> outcome = feed_.Next(Deadline::After(kGlance));
    AwaitWritten(unwritten_.size());
    on_progress_(state_);
    if (!outcome) {
      if (Idle(silence)) return;
      continue;
    }
    silence = Deadline::After(options_.silence);
    std::optional<Frame> frame;
    if (outcome->kind == Outcome::Kind::kFrame) {
      frame = OpenFrame(outcome->sequence);
    }
    if (frame) {
      tally_.Count(*outcome);
      ++taken_;
      Submit(std::move(*frame));
    } else if (outcome->kind == Outcome::Kind::kFrame) {
      tally_.CountMissed();
    } else {
      tally_.Count(*outcome);
    }
    state_.lost = tally_.lost();
  }
}

bool Recorder::Finished() const {
  return StopSignals::came() || deadline_.expired() ||
         (options_.frames && taken_ >= *options_.frames);
}

bool Recorder::Idle(const Deadline& silence) {
  const DeviceStatus status = device_.Status();
  if (!Works(status)) return true;
  if (!silence.expired()) return false;
  AwaitWritten(0);
  throw TimeoutError(device_.name() + ": no frame in " + Decimal(options_.silence, 1) +
                     " s: " + ExplainSilence(status));
}

std::optional<Frame> Recorder::OpenFrame(uint64_t sequence) {
  for (;;) {
    try {
      return Frame::Open(device_.FramePath(sequence));
    } catch (const Error& error) {
      if (error.code() != EDQUOT || unwritten_.empty()) throw;
    }
    AwaitWritten(unwritten_.size() - 1);
  }
}

void Recorder::Submit(Frame frame) {
  std::packaged_task<uint64_t()> write([this, frame = std::move(frame)]() mutable {
    const Frame released = std::move(frame);
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
