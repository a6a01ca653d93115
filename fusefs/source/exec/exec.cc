// SPDX-License-Identifier: Apache-2.0
//
// A program as a source: when it runs, what becomes of its frames, and what happens when it ends,
// hangs, or writes what it should not.
#include "fusefs/source/exec/exec.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "fusefs/base/clock.h"
#include "fusefs/base/error.h"
#include "fusefs/source/exec/exec_options.h"
#include "fusefs/source/exec/program.h"
#include "fusefs/source/exec/y4m_input.h"
#include "fusefs/source/options.h"
#include "fusefs/source/wakeups.h"

namespace grabfs {
namespace {

using Kind = Completion::Kind;

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kMs = 1'000'000;
// Until a program that has ended is started again: doubled with each failure in a row, up to the
// most. One that has run for so long begins anew.
constexpr uint64_t kFirstPauseNs = 100 * kMs;
constexpr uint64_t kMostPauseNs = 5 * kNsPerSecond;
constexpr uint64_t kGoodRunNs = 10 * kNsPerSecond;
// A program that hangs is ended after this, or after so many frame intervals if that is longer.
constexpr uint64_t kDefaultTimeoutNs = 10 * kNsPerSecond;
constexpr uint64_t kTimeoutFrames = 10;
// How long a program that has closed its output may take to end by itself.
constexpr uint64_t kFarewellNs = kNsPerSecond;

std::string SizeOf(const FrameFormat& format) {
  return format.name() + " " + std::to_string(format.width) + "x" + std::to_string(format.height);
}

class Exec final : public Source {
 public:
  Exec(std::string description, ExecOptions options, const FrameFormat& format, Rate rate)
      : description_(std::move(description)), options_(std::move(options)) {
    format_ = format;
    rate_ = rate;
  }

  [[nodiscard]] std::string description() const override { return description_; }
  [[nodiscard]] int event_fd() const override { return wakeups_.fd(); }
  [[nodiscard]] std::map<std::string, std::string> Settings() const override {
    return {{"program", options_.order.program},
            {"user", options_.order.account.empty() ? std::to_string(options_.order.uid)
                                                    : options_.order.account},
            {"restart", RestartName(options_.restart)},
            {"starts", std::to_string(starts_)}};
  }

 protected:
  FrameFormat OnSetFormat(const FormatRequest& request) override {
    if (ApplyRequest(format(), request) == format()) return format();
    throw Error(EINVAL, description_ + ": the program makes " + SizeOf(format()) +
                            ": change what it is told to make");
  }
  void OnSetRate(Rate rate) override {
    if (rate == rate_) return;
    throw Error(EINVAL, description_ + ": the program makes frames at its own rate");
  }

  void OnBind(const std::vector<std::shared_ptr<Memory>>& buffers) override { buffers_ = buffers; }
  void OnAttach(uint32_t buffer, std::shared_ptr<Memory> memory) override {
    attached_.emplace(buffer, std::move(memory));
  }
  void OnDetach(uint32_t buffer) override { attached_.erase(buffer); }

  void OnStart(uint64_t frames) override {
    remaining_ = frames == 0 ? kNoLimit : frames;
    failures_ = 0;
    launch_at_ns_ = 0;
    if (ending_.empty()) Launch();
  }
  void OnExtend(uint64_t frames) override {
    if (remaining_ != kNoLimit) remaining_ += std::min(frames, kNoLimit - 1 - remaining_);
    if (remaining_ > 0) WatchOutput(true);
  }
  // The program's frames that nobody has taken are no losses: a stopped camera makes none.
  void OnStop() override {
    remaining_ = 0;
    queued_.reset();
    reports_.clear();
    fatal_.reset();
    EndProgram();
  }
  uint32_t OnWanted() override { return due_ && !queued_ && remaining_ > 0 ? 1 : 0; }
  void OnQueue(uint32_t buffer) override;
  void OnStarve() override;
  std::optional<Completion> OnDequeue() override;

 private:
  void Launch();
  void EndProgram();
  void WatchOutput(bool on);
  std::optional<Completion> Advance();
  std::optional<Completion> Look(uint64_t now);
  void CheckFormat();
  void CheckStalled(uint64_t now);
  std::optional<Completion> Silent(uint64_t now, bool closed);
  void Failed(const std::string& why, bool restart);
  [[nodiscard]] uint64_t TimeoutNs() const;
  Completion Frame();
  std::optional<Completion> NextReport();
  void Take(Kind kind, const std::string& reason);
  [[nodiscard]] Memory* Find(uint32_t buffer) const;

  const std::string description_;
  const ExecOptions options_;
  Wakeups wakeups_;
  std::vector<std::shared_ptr<Memory>> buffers_;
  std::map<uint32_t, std::shared_ptr<Memory>> attached_;

  std::unique_ptr<Program> program_;              // runs, or has run and is to be read to its end
  std::unique_ptr<Y4mInput> input_;               // of it
  std::vector<std::unique_ptr<Program>> ending_;  // were asked to end
  bool output_watched_ = false;
  uint64_t launched_ns_ = 0;
  uint64_t launch_at_ns_ = 0;
  uint64_t heard_ns_ = 0;   // when its output went on last
  uint64_t heard_ = 0;      // how many bytes there were then
  uint64_t closed_ns_ = 0;  // when it closed its output; 0: it has not
  uint32_t failures_ = 0;   // in a row
  uint64_t starts_ = 0;
  bool due_ = false;                // a frame begins, and needs a buffer
  uint64_t begun_ns_ = 0;           // when it did
  std::optional<uint32_t> queued_;  // is being filled
  uint64_t remaining_ = 0;          // frames of this capture that have not begun
  uint64_t sequence_ = 0;           // of the next frame that begins
  uint64_t present_ = 0;            // of the frame that is being filled
  std::deque<Completion> reports_;  // come before all that is read from now on
  std::optional<Error> fatal_;      // and this behind them
};

Memory* Exec::Find(uint32_t buffer) const {
  if (buffer < buffers_.size()) return buffers_[buffer].get();
  const auto it = attached_.find(buffer);
  return it == attached_.end() ? nullptr : it->second.get();
}

// --- The program

void Exec::Launch() {
  program_ = std::make_unique<Program>(options_.order);
  input_ = std::make_unique<Y4mInput>(program_->output());
  wakeups_.Watch(program_->errors());
  wakeups_.Watch(program_->process());
  ++starts_;
  launched_ns_ = heard_ns_ = MonotonicNs();
  heard_ = 0;
  closed_ns_ = 0;
  due_ = false;
  WatchOutput(true);
}

void Exec::EndProgram() {
  due_ = false;
  if (!program_) return;
  WatchOutput(false);
  wakeups_.Unwatch(program_->errors());
  input_.reset();
  program_->End();
  ending_.push_back(std::move(program_));
}

// Only while something may be read: a pipe that has data, or is closed, stays readable.
void Exec::WatchOutput(bool on) {
  if (!program_ || on == output_watched_) return;
  on ? wakeups_.Watch(program_->output()) : wakeups_.Unwatch(program_->output());
  output_watched_ = on;
}

uint64_t Exec::TimeoutNs() const {
  if (options_.timeout_ns) return *options_.timeout_ns;
  return rate_.unlimited() ? kDefaultTimeoutNs
                           : std::max(kDefaultTimeoutNs, rate_.DueNs(kTimeoutFrames));
}

// `restart`: whether the policy wants it again.
void Exec::Failed(const std::string& why, bool restart) {
  const std::string text = description_ + ": " + why;
  if (queued_) {
    reports_.push_back({.kind = Kind::kError,
                        .buffer = *std::exchange(queued_, std::nullopt),
                        .sequence = present_,
                        .timestamp_ns = MonotonicNs(),
                        .reason = "the frame ends at byte " +
                                  std::to_string(input_ ? input_->frame_bytes() : 0) + ": " +
                                  text});
  }
  EndProgram();
  if (!restart) {
    fatal_.emplace(EIO, text);
    return;
  }
  const uint64_t now = MonotonicNs();
  if (now - launched_ns_ >= kGoodRunNs) failures_ = 0;
  const uint64_t pause = std::min(kMostPauseNs, kFirstPauseNs << std::min(failures_, 10U));
  ++failures_;
  launch_at_ns_ = now + pause;
  reports_.push_back({.kind = Kind::kTrouble, .timestamp_ns = now, .reason = text});
}

// --- Frames

void Exec::OnQueue(uint32_t buffer) {
  Memory* const memory = Find(buffer);
  if (OnWanted() == 0 || memory == nullptr) {
    throw Error(EINVAL, "queue: buffer " + std::to_string(buffer) + " is not wanted");
  }
  input_->Into(memory->bytes().first(format_.bytes));
  queued_ = buffer;
  Take(Kind::kFrame, "");
}

void Exec::OnStarve() {
  if (OnWanted() == 0) return;
  input_->Discard();
  Take(Kind::kDropped, "no free buffer");
}

// The frame that is due gets its number.
void Exec::Take(Kind kind, const std::string& reason) {
  due_ = false;
  present_ = sequence_++;
  if (remaining_ != kNoLimit) --remaining_;
  if (kind == Kind::kDropped) {
    reports_.push_back(
        {.kind = kind, .sequence = present_, .timestamp_ns = begun_ns_, .reason = reason});
    wakeups_.At(1);  // at once
  }
  WatchOutput(true);
}

std::optional<Completion> Exec::NextReport() {
  if (reports_.empty()) return std::nullopt;
  Completion report = std::move(reports_.front());
  reports_.pop_front();
  return report;
}

std::optional<Completion> Exec::OnDequeue() {
  std::erase_if(ending_, [&](const auto& program) {
    if (!program->Ended()) return false;
    wakeups_.Unwatch(program->process());
    return true;
  });
  if (auto report = NextReport()) return report;
  if (fatal_) throw *std::exchange(fatal_, std::nullopt);
  if (!capturing()) return std::nullopt;
  if (auto completion = Advance()) return completion;
  return NextReport();
}

std::optional<Completion> Exec::Advance() {
  const uint64_t now = MonotonicNs();
  if (!program_) {
    // Two of a kind would fight for the camera.
    if (!ending_.empty() || fatal_) {
      wakeups_.At(0);
      return std::nullopt;
    }
    if (now < launch_at_ns_) {
      wakeups_.At(launch_at_ns_);
      return std::nullopt;
    }
    Launch();
  }
  if (!program_->ReadErrors()) wakeups_.Unwatch(program_->errors());
  try {
    return Look(now);
  } catch (const Error& error) {
    if (error.code() != EINVAL || fatal_) throw;
    Failed(error.what(), options_.restart != ExecOptions::Restart::kNever);
    return std::nullopt;
  }
}

std::optional<Completion> Exec::Look(uint64_t now) {
  for (;;) {
    if (remaining_ == 0 && !queued_) {
      // Enough: what else it writes waits in the pipe.
      WatchOutput(false);
      wakeups_.At(0);
      return std::nullopt;
    }
    switch (input_->Read()) {
      case Y4mInput::Event::kHeader:
        CheckFormat();
        continue;
      case Y4mInput::Event::kDue:
        if (!due_) begun_ns_ = now;
        due_ = true;
        heard_ns_ = now;
        WatchOutput(false);
        wakeups_.At(0);
        return std::nullopt;
      case Y4mInput::Event::kFrame:
        heard_ns_ = now;
        return Frame();
      case Y4mInput::Event::kNothing:
        return Silent(now, /*closed=*/false);
      case Y4mInput::Event::kEnd:
        return Silent(now, /*closed=*/true);
    }
  }
}

Completion Exec::Frame() {
  return {.buffer = *std::exchange(queued_, std::nullopt),
          .sequence = present_,
          .timestamp_ns = begun_ns_,
          .bytes_used = format_.bytes};
}

// Buffers are of the format that the program had when they were made.
void Exec::CheckFormat() {
  const Y4mHeader& header = input_->header();
  rate_ = header.rate.value_or(Rate{});
  if (header.format == format_) return;
  const FrameFormat before = std::exchange(format_, header.format);
  Failed("makes " + SizeOf(format_) + " now, and made " + SizeOf(before) +
             " before: start the device again for buffers of that size",
         /*restart=*/false);
  throw *std::exchange(fatal_, std::nullopt);
}

// There is nothing to be read.
std::optional<Completion> Exec::Silent(uint64_t now, bool closed) {
  if (const auto how = program_->Ended()) {
    const bool wanted =
        options_.restart == ExecOptions::Restart::kAlways ||
        (options_.restart == ExecOptions::Restart::kOnFailure && !program_->succeeded());
    if (program_->succeeded() && !queued_ && input_->bytes() > 0) failures_ = 0;
    Failed("the program has ended: " + *how, wanted);
    return std::nullopt;
  }
  if (closed) {
    WatchOutput(false);
    if (closed_ns_ == 0) closed_ns_ = now;
    if (now >= closed_ns_ + kFarewellNs) {
      Failed("the program has closed its output and does not end",
             options_.restart != ExecOptions::Restart::kNever);
      return std::nullopt;
    }
    wakeups_.At(closed_ns_ + kFarewellNs);
    return std::nullopt;
  }
  CheckStalled(now);
  return std::nullopt;
}

void Exec::CheckStalled(uint64_t now) {
  if (input_->bytes() != heard_) {
    heard_ = input_->bytes();
    heard_ns_ = now;
  }
  const uint64_t timeout = TimeoutNs();
  if (timeout == 0) return wakeups_.At(0);
  if (now < heard_ns_ + timeout) return wakeups_.At(heard_ns_ + timeout);
  const std::string words = program_->LastWords();
  Failed("the program has written nothing for " + std::to_string(timeout / kNsPerSecond) +
             " s and was ended" + (words.empty() ? "" : "; its last words: " + words),
         options_.restart != ExecOptions::Restart::kNever);
}

// The stream header of the program, which runs for so long only.
Y4mHeader AskProgram(const std::string& description, const ExecOptions& options) {
  Program program(options.order);
  Y4mInput input(program.output());
  const uint64_t timeout = options.timeout_ns.value_or(kDefaultTimeoutNs);
  const uint64_t deadline = timeout == 0 ? kNoLimit : MonotonicNs() + timeout;
  for (bool closed = false;;) {
    const bool heard = program.ReadErrors();
    Y4mInput::Event event = Y4mInput::Event::kEnd;
    try {
      if (!closed) event = input.Read();
    } catch (const Error& error) {
      throw Error(error.code(), description + ": " + error.what());
    }
    if (event == Y4mInput::Event::kHeader) return input.header();
    closed = closed || event == Y4mInput::Event::kEnd;
    if (const auto how = program.Ended()) {
      throw Error(EIO, description + ": the program makes no frames: " + *how);
    }
    const uint64_t now = MonotonicNs();
    if (now >= deadline) {
      const std::string words = program.LastWords();
      throw Error(ETIMEDOUT, description + ": the program has written no frames within " +
                                 std::to_string(timeout / kNsPerSecond) + " s" +
                                 (words.empty() ? "" : "; its last words: " + words));
    }
    std::array<pollfd, 3> fds = {{{closed ? -1 : program.output(), POLLIN, 0},
                                  {heard ? program.errors() : -1, POLLIN, 0},
                                  {program.process(), POLLIN, 0}}};
    const uint64_t left_ms = deadline == kNoLimit ? 1000 : (deadline - now) / kMs + 1;
    (void)::poll(fds.data(), fds.size(), static_cast<int>(std::min<uint64_t>(left_ms, 1000)));
  }
}

}  // namespace

std::unique_ptr<Source> MakeExec(SourceSpec& spec) {
  const std::string description = "exec:" + spec.argument;
  ExecOptions options = TakeExecOptions(spec);
  const FormatRequest request = TakeFormatOptions(spec);
  if (request.fourcc && request.width && request.height) {
    return std::make_unique<Exec>(description, std::move(options), ApplyRequest({}, request),
                                  Rate{});
  }
  const Y4mHeader header = AskProgram(description, options);
  auto source = std::make_unique<Exec>(description, std::move(options), header.format,
                                       header.rate.value_or(Rate{}));
  source->SetFormat(request);
  return source;
}

}  // namespace grabfs
