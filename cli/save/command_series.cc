// SPDX-License-Identifier: Apache-2.0
#include "cli/save/command_series.h"

#include <poll.h>

#include <utility>

#include "cli/base/exit_code.h"
#include "cli/base/stop_signals.h"
#include "cli/base/text.h"

namespace grabfs::cli {
namespace {

constexpr int kGlanceMs = 100;  // how often to look for signals and the end

bool HasEnded(const Child& child) {
  pollfd process = {child.fd(), POLLIN, 0};
  return ::poll(&process, 1, 0) > 0;
}

}  // namespace

CommandSeries::CommandSeries(const Device& device, const FrameCommand& command, Options options,
                             OnEnd on_end)
    : device_(device),
      command_(command),
      options_(options),
      on_end_(std::move(on_end)),
      source_(device, options.every ? FrameSource::Choice::kEach : FrameSource::Choice::kNewest) {}

Tally CommandSeries::Run() {
  try {
    TakeFrames();
  } catch (...) {
    failed_ = true;
    while (!running_.empty()) {
      AwaitChange();
      EndCommands();
    }
    throw;
  }
  return source_.MakeTally();
}

void CommandSeries::TakeFrames() {
  Deadline deadline = Deadline::After(options_.silence);
  while (!Finished() || !running_.empty()) {
    std::optional<grabfs::Frame> frame;
    if (!Finished() && !full()) frame = source_.Take(0, !running_.empty());
    if (frame) {
      Begin(std::move(*frame));
    } else {
      AwaitChange();
    }
    if (frame || !running_.empty()) deadline = Deadline::After(options_.silence);
    EndCommands();
    if (Finished() || !deadline.expired()) continue;
    throw TimeoutError(device_.name() + ": no frame in " + Decimal(*options_.silence, 1) +
                       " s: " + ExplainSilence(device_.Status()));
  }
}

bool CommandSeries::Finished() const {
  return failed_ || StopSignals::came() ||
         (options_.frames && source_.frames() >= *options_.frames);
}

void CommandSeries::Begin(grabfs::Frame frame) {
  std::vector<std::string> words = command_.Expand(device_, frame->sequence, frame->fourcc);
  const Ended result = {frame->sequence, frame->timestamp_ns, words.front(), 0};
  // Commands that read from a terminal would take each other's words.
  running_.push_back({result, std::move(frame), Child(std::move(words), Child::Input::kNone)});
}

void CommandSeries::AwaitChange() {
  std::vector<pollfd> changes;
  for (const Running& running : running_) changes.push_back({running.child.fd(), POLLIN, 0});
  if (!Finished() && !full() && !source_.full()) changes.push_back({source_.fd(), POLLIN, 0});
  ::poll(changes.data(), changes.size(), kGlanceMs);
}

void CommandSeries::EndCommands() {
  for (auto running = running_.begin(); running != running_.end();) {
    if (!HasEnded(running->child)) {
      ++running;
      continue;
    }
    running->result.status = running->child.Await();
    failed_ |= running->result.status != 0 && !options_.goes_on;
    const Ended ended = std::move(running->result);
    running = running_.erase(running);
    on_end_(ended);
  }
}

}  // namespace grabfs::cli
