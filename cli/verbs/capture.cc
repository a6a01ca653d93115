// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli capture: triggers frames and waits until they are there.
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/base/text.h"
#include "cli/command/target.h"
#include "cli/command/verb.h"
#include "cli/mount/alloc_path.h"
#include "cli/save/frame_report.h"

namespace grabfs::cli {
namespace {

class CaptureVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareDevice(options);
    options.Count("-n,--frames", frames_, "N", "How many (default 1)");
    options.Seconds("--timeout", timeout_, "Give up after so long without a frame (default 10)");
    options.Flag("--no-drop", no_drop_, "Exit with status 5 when a frame is lost");
    options.Text("--into", into_, "NAME",
                 "Into this file of alloc/ instead of a buffer; one frame, also while streaming");
    options.Flag("--json", json_, "One object a line instead of a path");
  }

  ExitCode Run(Context& context) override {
    const Device device = target_.FindDevice(context);
    if (!into_.empty()) return CaptureInto(context, device);
    const uint64_t wanted = frames_.value_or(1);
    // Listening begins before the trigger, so that no frame can be missed.
    FrameFeed feed(device);
    Trigger(device, wanted);
    Tally tally;
    while (tally.frames() + tally.lost() < wanted) {
      const double seconds = timeout_.value_or(10);
      const std::optional<Outcome> outcome = feed.Next(Deadline::After(seconds));
      if (!outcome) {
        throw TimeoutError(device.name() + ": " + std::to_string(tally.frames()) + " of " +
                           Plural(wanted, "frame") + ", then none in " + Decimal(seconds, 1) +
                           " s: " + ExplainSilence(device.Status()));
      }
      tally.Count(*outcome);
      if (outcome->kind == Outcome::Kind::kFrame) PrintFrame(context, device, *outcome, json_);
    }
    return tally.Conclude(context, device, no_drop_);
  }

 private:
  ExitCode CaptureInto(Context& context, const Device& device) const {
    if (frames_.value_or(1) != 1) throw UsageError("capture: --into takes one frame");
    const Mount mount(device.directory().parent_path());
    const std::string name = AllocName(mount, into_);
    EventReader events(device.File("events"), device.name());
    device.Set("into", "alloc/" + name);
    const double seconds = timeout_.value_or(10);
    const auto deadline = Deadline::After(seconds);
    while (const std::optional<Event> event = events.Next(deadline)) {
      if (event->file != "alloc/" + name) continue;
      if (event->kind == Event::Kind::kError) {
        throw Error(EIO, device.name() + ": " + into_ + ": " + event->reason);
      }
      PrintInto(context, device, AllocFile(mount, name).path().string(), *event);
      return ExitCode::kDone;
    }
    throw TimeoutError(device.name() + ": no frame in " + Decimal(seconds, 1) +
                       " s: " + ExplainSilence(device.Status()));
  }

  void PrintInto(Context& context, const Device& device, const std::string& file,
                 const Event& event) const {
    if (json_) {
      const nlohmann::ordered_json object = {{"device", device.name()},
                                             {"sequence", event.sequence},
                                             {"file", file},
                                             {"timestamp_ns", event.timestamp_ns}};
      context.out << object.dump() << std::endl;
    } else {
      context.out << file << std::endl;
    }
  }

  static void Trigger(const Device& device, uint64_t frames) {
    if (frames == 0) throw UsageError("capture: 0 frames are none; -n 1 is the least");
    if (device.Status().state == "streaming") {
      throw Error(EBUSY, device.name() + ": it is streaming, frames come by themselves: " +
                             "'grabfs-cli wait' for them, or 'grabfs-cli stop' first");
    }
    device.Set("trigger", std::to_string(frames));
  }

  Target target_;
  std::optional<uint64_t> frames_;
  std::optional<double> timeout_;
  std::string into_;
  bool no_drop_ = false;
  bool json_ = false;
};

}  // namespace

extern const VerbEntry kCaptureVerb;
const VerbEntry kCaptureVerb = {
    "capture",
    "Trigger frames, wait for them and print their paths",
    "cp $(grabfs-cli capture) picture.raw\n"
    "grabfs-cli capture cam0 -n 4 --no-drop --timeout 2\n"
    "grabfs-cli capture cam0 --into alloc/mine",
    &MakeVerb<CaptureVerb>,
};

}  // namespace grabfs::cli
