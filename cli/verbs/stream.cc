// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli stream: frame after frame to standard output.
#include <unistd.h>

#include <cerrno>
#include <ostream>
#include <string_view>

#include "cli/base/stop_signals.h"
#include "cli/base/text.h"
#include "cli/command/target.h"
#include "cli/command/verb.h"
#include "cli/mount/frame_stream.h"
#include "cli/save/frame_report.h"
#include "fusefs/picture/planar.h"
#include "fusefs/picture/y4m.h"

namespace grabfs::cli {
namespace {

// Tells where frames end in the bytes of a stream.
class FrameCounter {
 public:
  FrameCounter(bool y4m, const DeviceStatus& device)
      : y4m_(y4m),
        fixed_(FindPixelFormat(device.format) != nullptr),
        frame_bytes_(y4m ? Y4mFrameBytes(device) : device.bytes) {}

  void Count(std::span<const uint8_t> bytes) {
    // The header is a piece of its own.
    if (y4m_ && header_ == 0) header_ = bytes.size();
    done_ += bytes.size();
  }
  // Whole ones.
  [[nodiscard]] uint64_t frames() const { return (done_ - header_) / frame_bytes_; }
  // Only for frames of a fixed size: others may end anywhere.
  [[nodiscard]] bool in_frame() const { return fixed_ && (done_ - header_) % frame_bytes_ != 0; }

 private:
  static uint64_t Y4mFrameBytes(const DeviceStatus& device) {
    const FrameFormat format = {.fourcc = ParseFourcc(device.format).value_or(0),
                                .width = device.width,
                                .height = device.height};
    return kY4mFrameHeader.size() + PlanarFormat(format).value().bytes;
  }

  const bool y4m_;
  const bool fixed_;
  const uint64_t frame_bytes_;
  uint64_t header_ = 0;
  uint64_t done_ = 0;
};

class StreamVerb : public Verb {
 public:
  void Declare(Options& options) override {
    target_.DeclareDevice(options);
    options.Flag("--y4m", y4m_, "As YUV4MPEG2, which players and encoders know (default: raw)");
    options.Flag(
        "--lossless", lossless_,
        "Have frames wait for whoever reads, instead of skipping; exit with status 5 when a "
        "frame is lost all the same");
    options.Count("-n,--frames", frames_, "N",
                  "End after N frames (default: when the device stops)");
    options.Seconds("--timeout", timeout_,
                    "Give up after so long without a frame (default: never)");
    options.Flag("--no-drop", no_drop_, "Exit with status 5 when a frame is skipped or lost");
  }

  ExitCode Run(Context& context) override {
    RequireNoTerminal(context);
    const Device device = target_.FindDevice(context);
    const DeviceStatus status = device.Status();
    if (frames_ && !y4m_ && FindPixelFormat(status.format) == nullptr) {
      throw UsageError("stream: frames of " + status.format +
                       " have no fixed size by which -n could count them");
    }
    const StopSignals signals;
    FrameStream stream(
        device, std::string(lossless_ ? "stream-lossless" : "stream") + (y4m_ ? ".y4m" : ".raw"));
    FrameCounter counter(y4m_, status);
    Tally tally;
    Copy(context, device, stream, counter, tally);
    CountSkipped(device, tally);
    const ExitCode code = tally.Conclude(context, device, no_drop_ || lossless_);
    const bool cut_short = frames_ && counter.frames() < *frames_ && !StopSignals::came();
    if (code != ExitCode::kDone || !cut_short) return code;
    throw Error(EIO, device.name() + ": the stream ended after " +
                         std::to_string(counter.frames()) + " of " + Plural(*frames_, "frame"));
  }

 private:
  void Copy(Context& context, const Device& device, FrameStream& stream, FrameCounter& counter,
            Tally& tally) {
    const auto done = [&] {
      return StopSignals::came() || (frames_ && counter.frames() >= *frames_);
    };
    while (!done()) {
      const Deadline deadline = Deadline::After(timeout_);
      const FrameStream::Piece piece = stream.Read(deadline);
      switch (piece.status) {
        case FrameStream::Status::kBytes:
          counter.Count(piece.bytes);
          Write(context, piece.bytes);
          break;
        case FrameStream::Status::kMissing:
          reason_ = ReasonOf(piece.code);
          if (no_drop_) return;
          if (!counter.in_frame()) break;
          throw Error(piece.code, device.name() + ": a frame broke off: its buffer was given up");
        case FrameStream::Status::kEnd:
          return;
        case FrameStream::Status::kNothing:
          if (!deadline.expired()) break;
          throw TimeoutError(device.name() + ": no frame in " + Decimal(timeout_.value_or(0), 1) +
                             " s: " + ExplainSilence(device.Status()));
      }
    }
    tally.Count({Outcome::Kind::kFrame, 0, counter.frames(), 0, ""});
  }

  static void Write(Context& context, std::span<const uint8_t> bytes) {
    context.out.write(reinterpret_cast<const char*>(bytes.data()),
                      static_cast<std::streamsize>(bytes.size()));
    if (!context.out.flush()) throw Error(EIO, "cannot write to standard output");
  }

  // Why frames are missing in a lossless stream, by the errno of the read (docs/mount.md).
  static std::string ReasonOf(int code) {
    switch (code) {
      case EIO:
        return "a transfer failed";
      case ENOENT:
        return "somebody removed them";
      case EDQUOT:
        return "this user may hold no more";
      default:
        return "no buffer was free while the output did not take them; more buffers_count bridge "
               "longer pauses";
    }
  }

  // The mount counts for each open what it has missed.
  void CountSkipped(const Device& device, Tally& tally) const {
    const auto kind = lossless_ ? Outcome::Kind::kDropped : Outcome::Kind::kMissed;
    for (const DeviceStatus::Stream& reader : device.Status().streams) {
      if (reader.pid != ::getpid()) continue;
      tally.Count({kind, 0, reader.skipped, 0, reader.skipped > 0 ? reason_ : ""});
    }
  }

  Target target_;
  bool y4m_ = false;
  bool lossless_ = false;
  bool no_drop_ = false;
  std::optional<uint64_t> frames_;
  std::optional<double> timeout_;
  std::string reason_;  // of the last loss
};

}  // namespace

extern const VerbEntry kStreamVerb;
const VerbEntry kStreamVerb = {
    "stream",
    "Write frame after frame to standard output",
    "grabfs-cli stream cam0 --y4m | mpv -\n"
    "grabfs-cli stream cam0 --y4m -n 250 --lossless | ffmpeg -i - out.mp4\n"
    "grabfs-cli stream cam0 | ssh lab 'cat > cam0.raw'",
    &MakeVerb<StreamVerb>,
};

}  // namespace grabfs::cli
