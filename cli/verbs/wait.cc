// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli wait: until frames are there, or the device is in a state.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "cli/base/text.h"
#include "cli/command/target.h"
#include "cli/command/verb.h"
#include "cli/mount/status.h"
#include "cli/save/frame_report.h"

namespace grabfs::cli {
namespace {

// "stopped, streaming, error or gone"
std::string StateList() {
  const std::vector<std::string> all_but_last(kStates.begin(), kStates.end() - 1);
  return Join(all_but_last, ", ") + " or " + std::string(kStates.back());
}

class WaitVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareDevice(options);
    options.Count("-n,--frames", frames_, "N", "Until N more frames are complete (default 1)");
    options.Count("--sequence", sequence_, "SEQUENCE", "Until this frame is complete");
    options.Text("--state", state_, "STATE", "Until the device is " + StateList());
    options.Seconds("--timeout", timeout_, "Give up after so long (default: never)");
    options.Flag("--no-drop", no_drop_, "Exit with status 5 when a frame is lost");
    options.Flag("--json", json_, "One object a line instead of a path");
  }

  ExitCode Run(Context& context) override {
    if (int{frames_.has_value()} + int{sequence_.has_value()} + int{!state_.empty()} > 1) {
      throw UsageError("wait: --frames, --sequence and --state exclude each other");
    }
    const Device device = target_.FindDevice(context);
    const Deadline deadline = Deadline::After(timeout_);
    if (!state_.empty()) return WaitForState(context, device, deadline);
    if (sequence_) return WaitForSequence(context, device, deadline);
    return WaitForFrames(context, device, deadline);
  }

 private:
  [[noreturn]] void GiveUp(const Device& device, const std::string& awaited) const {
    throw TimeoutError(device.name() + ": " + awaited + " did not come in " +
                       Decimal(timeout_.value_or(0), 1) + " s: " + ExplainSilence(device.Status()));
  }

  ExitCode WaitForFrames(Context& context, const Device& device, const Deadline& deadline) const {
    FrameFeed feed(device);
    const uint64_t wanted = frames_.value_or(1);
    Tally tally;
    while (tally.frames() < wanted) {
      const std::optional<Outcome> outcome = feed.Next(deadline);
      if (!outcome) GiveUp(device, Plural(wanted - tally.frames(), "more frame"));
      tally.Count(*outcome);
      if (outcome->kind == Outcome::Kind::kFrame) PrintFrame(context, device, *outcome, json_);
    }
    return tally.Conclude(context, device, no_drop_);
  }

  ExitCode WaitForSequence(Context& context, const Device& device, const Deadline& deadline) const {
    FrameFeed feed(device);
    const uint64_t wanted = *sequence_;
    if (wanted < feed.first_sequence()) return FindPast(context, device, feed.first_sequence());
    for (;;) {
      const std::optional<Outcome> outcome = feed.Next(deadline);
      if (!outcome) GiveUp(device, "frame " + std::to_string(wanted));
      if (outcome->sequence + outcome->count <= wanted) continue;
      Tally tally;
      tally.Count(*outcome);
      if (outcome->kind == Outcome::Kind::kFrame) PrintFrame(context, device, *outcome, json_);
      return tally.Conclude(context, device, no_drop_);
    }
  }

  // The frame was due before the waiting began: it is there or it is gone.
  ExitCode FindPast(Context& context, const Device& device, uint64_t next) const {
    if (!std::filesystem::exists(device.FramePath(*sequence_))) {
      throw Error(ENOENT, device.name() + ": frame " + std::to_string(*sequence_) +
                              " has been and gone; the next is " + std::to_string(next));
    }
    Outcome found;
    found.sequence = *sequence_;
    PrintFrame(context, device, found, json_);
    return ExitCode::kDone;
  }

  ExitCode WaitForState(Context& context, const Device& device, const Deadline& deadline) const {
    if (std::ranges::find(kStates, state_) == kStates.end()) {
      throw UsageError("wait: " + state_ + ": a state is " + StateList());
    }
    EventReader events(device.File("events"), device.name());
    while (device.Status().state != state_) {
      const std::optional<Event> event = events.Next(deadline);
      if (!event) GiveUp(device, "state " + state_);
      // It may already be over again: it has been, and that is what was asked.
      if (event->kind == Event::Kind::kState && event->state == state_) break;
    }
    if (json_) {
      const nlohmann::ordered_json object = {{"device", device.name()}, {"state", state_}};
      context.out << object.dump() << '\n';
    }
    return ExitCode::kDone;
  }

  Target target_;
  std::optional<uint64_t> frames_;
  std::optional<uint64_t> sequence_;
  std::string state_;
  std::optional<double> timeout_;
  bool no_drop_ = false;
  bool json_ = false;
};

}  // namespace

extern const VerbEntry kWaitVerb;
const VerbEntry kWaitVerb = {
    "wait",
    "Wait for frames or for a state",
    "grabfs-cli wait --frames 10 --timeout 2\n"
    "grabfs-cli wait cam0 --sequence 1000\n"
    "grabfs-cli wait cam0 --state stopped",
    &MakeVerb<WaitVerb>,
};

}  // namespace grabfs::cli
