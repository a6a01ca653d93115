// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli record: frames into one file, as fast as they come.
#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/base/stop_signals.h"
#include "cli/base/text.h"
#include "cli/command/target.h"
#include "cli/command/verb.h"
#include "cli/save/progress.h"
#include "cli/save/recorder.h"

namespace grabfs::cli {
namespace {

using Clock = std::chrono::steady_clock;

class RecordVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareDevice(options);
    options.Text("-o,--output", output_, "FILE",
                 "What to record into: NAME.raw with an index in NAME.raw.jsonl, NAME.y4m or "
                 "NAME.tiff with a page for each frame");
    options.Count("-n,--frames", frames_, "N",
                  "Until so many frames are recorded (default: until Ctrl-C or the device stops)");
    options.Seconds("--seconds", seconds_, "For so long");
    options.Count("--pre", before_, "N",
                  "Before them, the N frames from before this command that are still in buffers");
    options.Seconds("--timeout", timeout_, "Give up after so long without a frame (default 10)");
    options.Flag("--no-drop", no_drop_, "Exit with status 5 when a frame is lost");
    options.Flag("--json", json_, "One object about the recording instead of text");
  }

  ExitCode Run(Context& context) override {
    if (output_.empty()) throw UsageError("record: -o FILE says what to record into");
    if (output_ == "-") {
      throw UsageError("record: to standard output, 'grabfs-cli stream' writes frames");
    }
    const Device device = target_.FindDevice(context);
    const uint64_t before = before_.value_or(0);
    const StopSignals signals;
    const auto recording = MakeRecording(output_, device.Status(), frames_ ? *frames_ + before : 0);
    Recorder recorder(device, *recording,
                      {.before = before,
                       .frames = frames_,
                       .seconds = seconds_,
                       .silence = timeout_.value_or(10)});
    Progress progress(context.err, context.shows_progress(), frames_ ? *frames_ + before : 0);
    const Clock::time_point begin = Clock::now();
    Tally tally;
    try {
      tally = recorder.Run([&](const Recorder::State& state) {
        progress.Show(state.recorded, state.lost, HumanBytes(state.bytes));
      });
      recording->Finish();
    } catch (const Error& error) {
      progress.Clear();
      const std::string kept = Plural(recording->Keep(), "frame") + " kept";
      if (ExitCodeOf(error) == ExitCode::kUsage) throw;
      throw Error(error.code(), std::string(error.what()) + ": " + kept);
    }
    progress.Clear();
    const std::chrono::duration<double> seconds = Clock::now() - begin;
    Report(context, device, recorder.state(), *recording, seconds.count());
    return Conclude(context, device, recorder.state(), tally);
  }

 private:
  [[nodiscard]] ExitCode Conclude(Context& context, const Device& device,
                                  const Recorder::State& state, const Tally& tally) const {
    const ExitCode code = tally.Conclude(context, device, no_drop_);
    const uint64_t recorded = state.recorded - state.before;
    const bool cut_short = frames_ && recorded < *frames_ && !seconds_ && !StopSignals::came();
    if (code != ExitCode::kDone || !cut_short) return code;
    context.Warn(device.name() + ": stopped after " + std::to_string(recorded) + " of " +
                 Plural(*frames_, "frame"));
    return ExitCode::kFailed;
  }

  void Report(Context& context, const Device& device, const Recorder::State& state,
              const Recording& recording, double seconds) const {
    if (json_) {
      const nlohmann::ordered_json object = {
          {"device", device.name()},  {"file", output_},
          {"frames", state.recorded}, {"pre", state.before},
          {"lost", state.lost},       {"bytes", recording.bytes()},
          {"seconds", seconds},       {"direct", recording.direct()},
      };
      context.out << object.dump() << '\n';
      return;
    }
    const double rate = seconds > 0 ? static_cast<double>(state.recorded) / seconds : 0;
    context.out << output_ << ": " << Plural(state.recorded, "frame");
    if (state.before > 0) context.out << " (" << state.before << " from before)";
    context.out << " in " << Decimal(seconds, 1) << " s, " << Decimal(rate, 1) << "/s, "
                << HumanBytes(recording.bytes()) << ", " << state.lost << " lost\n";
  }

  Target target_;
  std::string output_;
  std::optional<uint64_t> frames_;
  std::optional<uint64_t> before_;
  std::optional<double> seconds_;
  std::optional<double> timeout_;
  bool no_drop_ = false;
  bool json_ = false;
};

}  // namespace

extern const VerbEntry kRecordVerb;
const VerbEntry kRecordVerb = {
    "record",
    "Record frames into one file at full rate",
    "grabfs-cli record cam0 -o run.raw -n 1000 --no-drop\n"
    "grabfs-cli record cam0 -o run.y4m --seconds 5\n"
    "grabfs-cli record cam0 -o event.tiff --pre 50 -n 50",
    &MakeVerb<RecordVerb>,
};

}  // namespace grabfs::cli
