// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli each: a command for one frame after the other.
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/base/stop_signals.h"
#include "cli/base/text.h"
#include "cli/command/target.h"
#include "cli/command/verb.h"
#include "cli/save/command_series.h"

namespace grabfs::cli {
namespace {

class EachVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareDevice(options);
    options.Command(words_,
                    "In it {} stands for the file of the frame as a picture, {raw}, {pnm}, {tiff}, "
                    "{npy}, {bmp} and {jpg} (of cameras that make it) for its file in that form, "
                    "%d or %06d for its sequence number");
    options.Flag("--every", every_,
                 "For each frame, instead of the one that is newest when a command has ended");
    options.Count("-j,--jobs", jobs_, "N", "So many commands at a time (default 1)");
    options.Count("-n,--frames", frames_, "N", "For so many frames (default: until Ctrl-C)");
    options.Seconds("--timeout", timeout_,
                    "Give up after so long without a frame (default: never)");
    options.Flag("--keep-going", keep_going_, "Go on after a command that has failed");
    options.Flag("--no-drop", no_drop_, "Exit with status 5 when a frame is lost");
    options.Flag("--json", json_, "One object a line for each command that has ended");
  }

  ExitCode Run(Context& context) override {
    if (words_.empty()) throw UsageError("each: what? give a command behind --");
    if (jobs_ == 0) throw UsageError("each: 0 commands at a time are none; -j 1 is the least");
    if (frames_ == 0) throw UsageError("each: 0 frames are none; -n 1 is the least");
    const Device device = target_.FindDevice(context);
    const FrameCommand command(std::move(words_));
    const StopSignals signals;
    CommandSeries series(device, command,
                         {.every = every_,
                          .jobs = jobs_.value_or(1),
                          .frames = frames_,
                          .silence = timeout_,
                          .goes_on = keep_going_},
                         [&](const CommandSeries::Ended& ended) { Note(context, device, ended); });
    const Tally tally = series.Run();
    const ExitCode lost = tally.Conclude(context, device, no_drop_);
    return failed_ > 0 ? Failed(context, device, tally.frames()) : lost;
  }

 private:
  // Ctrl-C at a terminal is the commands', too: they have not failed.
  void Note(Context& context, const Device& device, const CommandSeries::Ended& ended) {
    if (json_) Print(context, device, ended);
    if (ended.status == 0 || StopSignals::came()) return;
    ++failed_;
    context.Warn(device.name() + ": frame " + std::to_string(ended.sequence) + ": " +
                 ended.program + " ended with status " + std::to_string(ended.status));
  }

  static void Print(Context& context, const Device& device, const CommandSeries::Ended& ended) {
    const nlohmann::ordered_json object = {{"device", device.name()},
                                           {"sequence", ended.sequence},
                                           {"timestamp_ns", ended.timestamp_ns},
                                           {"status", ended.status}};
    context.out << object.dump() << std::endl;
  }

  ExitCode Failed(Context& context, const Device& device, uint64_t frames) const {
    if (keep_going_) {
      context.Warn(device.name() + ": " + std::to_string(failed_) + " of " +
                   Plural(frames, "command") + " failed");
    }
    return ExitCode::kFailed;
  }

  Target target_;
  std::vector<std::string> words_;
  bool every_ = false;
  std::optional<uint64_t> jobs_;
  std::optional<uint64_t> frames_;
  std::optional<double> timeout_;
  bool keep_going_ = false;
  bool no_drop_ = false;
  bool json_ = false;
  uint64_t failed_ = 0;
};

}  // namespace

extern const VerbEntry kEachVerb;
const VerbEntry kEachVerb = {
    "each",
    "Run a command for one frame after the other, which is held meanwhile",
    "grabfs-cli each cam0 -- convert {} out-%06d.png\n"
    "grabfs-cli each cam0 --every -n 100 -j 4 -- cp {raw} /data/run7/\n"
    "grabfs-cli each --keep-going -- ./inspect.py {npy}",
    &MakeVerb<EachVerb>,
};

}  // namespace grabfs::cli
