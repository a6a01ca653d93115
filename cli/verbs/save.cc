// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli save: frames into image files.
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/command/target.h"
#include "cli/command/verb.h"
#include "cli/save/frame_report.h"
#include "cli/save/progress.h"
#include "cli/save/save_series.h"
#include "cli/save/saver.h"

namespace grabfs::cli {
namespace {

class SaveVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareDevice(options);
    options.Text("-o,--output", output_, "FILE",
                 "Name with %d or %06d for the sequence number, a directory, or - for standard "
                 "output (default: DEVICE-SEQUENCE.png)");
    options.Text("--format", format_, "FORMAT",
                 "raw " + PictureFormNames() + " (default: by the extension of FILE)");
    options.Flag("--latest", latest_, "The newest frame there is (the default)");
    options.Count("--sequence", sequence_, "SEQUENCE", "The frame of this number");
    options.Count("-n,--frames", frames_, "N",
                  "The next N frames; a stopped device is triggered for them");
    options.Seconds("--timeout", timeout_, "Give up after so long without a frame (default 10)");
    options.Flag("--no-drop", no_drop_, "Exit with status 5 when a frame is lost");
    options.Flag("--json", json_, "One object a line instead of the name of the file");
  }

  ExitCode Run(Context& context) override {
    if (int{frames_.has_value()} + int{sequence_.has_value()} + int{latest_} > 1) {
      throw UsageError("save: --latest, --sequence and --frames exclude each other");
    }
    const Device device = target_.FindDevice(context);
    const Saver saver(output_, format_, device.name());
    if (saver.to_stdout()) RequireNoTerminal(context);
    if (json_ && saver.to_stdout()) {
      throw UsageError("save: --json and '-o -' both want standard output");
    }
    if (frames_) return SaveMany(context, device, saver);
    const std::optional<grabfs::Frame> frame = FindFrame(device, sequence_);
    if (!frame) throw Error(ENOENT, NoSuchFrame(device));
    Deliver(context, device, saver.Save(*frame));
    return ExitCode::kDone;
  }

 private:
  [[nodiscard]] std::string NoSuchFrame(const Device& device) const {
    const DeviceStatus status = device.Status();
    if (!status.sequence.oldest || !status.sequence.newest) {
      return device.name() + ": there is no frame yet: 'save -n 1' captures one";
    }
    return device.name() + ": frame " + std::to_string(sequence_.value_or(0)) +
           " is not there; those that are lie between " + std::to_string(*status.sequence.oldest) +
           " and " + std::to_string(*status.sequence.newest);
  }

  ExitCode SaveMany(Context& context, const Device& device, const Saver& saver) const {
    if (*frames_ == 0) throw UsageError("save: 0 frames are none; -n 1 is the least");
    if (*frames_ > 1 && !saver.takes_many()) {
      throw UsageError("save: " + output_ + ": several frames need a name with %d in it");
    }
    Progress progress(context.err, context.shows_progress(), *frames_);
    uint64_t done = 0;
    SaveSeries series(device, saver, *frames_, timeout_.value_or(10),
                      [&](const Saved& saved, uint64_t lost) {
                        progress.Clear();
                        Deliver(context, device, saved);
                        progress.Show(++done, lost);
                      });
    const Tally tally = series.Run();
    progress.Clear();
    return tally.Conclude(context, device, no_drop_);
  }

  void Deliver(Context& context, const Device& device, const Saved& saved) const {
    if (!saved.contents.empty()) {
      context.out.write(reinterpret_cast<const char*>(saved.contents.data()),
                        static_cast<std::streamsize>(saved.contents.size()));
    } else if (json_) {
      const nlohmann::ordered_json object = {
          {"device", device.name()},
          {"sequence", saved.sequence},
          {"file", saved.file},
          {"timestamp_ns", saved.timestamp_ns},
          {"format", saved.format.name()},
          {"width", saved.format.width},
          {"height", saved.format.height},
          {"dropped", saved.dropped},
      };
      context.out << object.dump() << '\n';
    } else {
      context.out << saved.file << '\n';
    }
    if (!context.out.flush()) throw Error(EIO, "cannot write to standard output");
  }

  Target target_;
  std::string output_ = ".";
  std::string format_;
  bool latest_ = false;
  std::optional<uint64_t> sequence_;
  std::optional<uint64_t> frames_;
  std::optional<double> timeout_;
  bool no_drop_ = false;
  bool json_ = false;
};

}  // namespace

extern const VerbEntry kSaveVerb;
const VerbEntry kSaveVerb = {
    "save",
    "Save frames as pictures or raw files",
    "grabfs-cli save -o picture.png\n"
    "grabfs-cli save cam0 -n 100 -o shot-%06d.png\n"
    "grabfs-cli save --sequence 42 --format pgm -o - | pnmtops > page.ps",
    &MakeVerb<SaveVerb>,
};

}  // namespace grabfs::cli
