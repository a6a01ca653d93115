// SPDX-License-Identifier: Apache-2.0
#include "cli/save/command_series.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "cli/base/exit_code.h"
#include "cli/base/stop_signals.h"
#include "cli/base/text.h"

namespace grabfs::cli {
namespace {

constexpr int kGlanceMs = 100;  // how often to look for signals and the end

// What libgrabfs has just said, with the exit statuses of this program.
Error Translated(const std::system_error& error) { return {error.code().value(), grabfs_reason()}; }

grabfs::Device OpenCamera(const Device& device) {
  try {
    return grabfs::Device(device.directory().string());
  } catch (const std::system_error& error) {
    throw Translated(error);
  }
}

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
      camera_(OpenCamera(device)),
      dropped_before_(device.Status().counters.dropped) {}

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
  if (!options_.every) {
    const uint64_t dropped = device_.Status().counters.dropped - dropped_before_;
    tally_.Count({Outcome::Kind::kDropped, 0, dropped, 0, ""});
  }
  return tally_;
}

void CommandSeries::TakeFrames() {
  Deadline deadline = Deadline::After(options_.silence);
  while (!Finished() || !running_.empty()) {
    std::optional<grabfs::Frame> frame;
    if (!Finished() && !full()) frame = Take();
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
  return failed_ || StopSignals::came() || (options_.frames && tally_.frames() >= *options_.frames);
}

std::optional<grabfs::Frame> CommandSeries::Take() {
  try {
    may_hold_more_ = true;
    return options_.every ? camera_.Each(grabfs::Device::Timeout(0))
                          : camera_.Next(grabfs::Device::Timeout(0));
  } catch (const std::system_error& error) {
    if (error.code().value() != EDQUOT || running_.empty()) throw Translated(error);
    may_hold_more_ = false;
    return std::nullopt;
  }
}

void CommandSeries::Begin(grabfs::Frame frame) {
  std::vector<std::string> words = command_.Expand(device_, frame->sequence, frame->fourcc);
  Count(frame);
  const Ended result = {frame->sequence, frame->timestamp_ns, words.front(), 0};
  // Commands that read from a terminal would take each other's words.
  running_.push_back({result, std::move(frame), Child(std::move(words), Child::Input::kNone)});
}

// Of all frames none may be missing; of the newest it is what was wanted.
void CommandSeries::Count(const grabfs::Frame& frame) {
  tally_.Count({Outcome::Kind::kFrame, frame->sequence, 1, frame->timestamp_ns, ""});
  if (!options_.every) return;
  const uint64_t dropped = std::min(frame->dropped, frame->missed);
  tally_.Count({Outcome::Kind::kDropped, 0, dropped, 0, ""});
  tally_.Count({Outcome::Kind::kMissed, 0, frame->missed - dropped, 0, ""});
}

void CommandSeries::AwaitChange() {
  std::vector<pollfd> changes;
  for (const Running& running : running_) changes.push_back({running.child.fd(), POLLIN, 0});
  if (!Finished() && !full() && may_hold_more_) changes.push_back({camera_.fd(), POLLIN, 0});
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
