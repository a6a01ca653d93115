// SPDX-License-Identifier: Apache-2.0
//
// Runs a command for one frame after the other, and holds each frame as long as its command runs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/base/deadline.h"
#include "cli/base/process.h"
#include "cli/mount/device.h"
#include "cli/save/frame_command.h"
#include "cli/save/frame_report.h"
#include "cli/save/frame_source.h"

namespace grabfs::cli {

class CommandSeries {
 public:
  struct Options {
    bool every = false;              // no frame is skipped as long as buffers last
    uint64_t jobs = 1;               // commands at once
    std::optional<uint64_t> frames;  // ends after so many
    std::optional<double> silence;   // seconds without a frame after which it gives up
    bool goes_on = false;            // after a command that fails
  };
  // A command that has ended.
  struct Ended {
    uint64_t sequence = 0;
    uint64_t timestamp_ns = 0;
    std::string program;
    int status = 0;  // as Child::Await()
  };
  using OnEnd = std::function<void(const Ended&)>;

  // Frames that complete from now on. Throws Error.
  CommandSeries(const Device& device, const FrameCommand& command, Options options, OnEnd on_end);

  // Until the wanted frames, a signal (StopSignals) or a failure; then all commands have ended.
  // Throws TimeoutError, NoDeviceError, Error.
  Tally Run();

 private:
  struct Running {
    Ended result;
    grabfs::Frame frame;
    Child child;
  };

  void TakeFrames();
  [[nodiscard]] bool Finished() const;
  [[nodiscard]] bool full() const { return running_.size() >= options_.jobs; }
  void Begin(grabfs::Frame frame);
  // Waits a moment for the end of a command or, unless as many run as may, for a frame.
  void AwaitChange();
  void EndCommands();

  const Device& device_;
  const FrameCommand& command_;
  const Options options_;
  const OnEnd on_end_;

  FrameSource source_;
  std::vector<Running> running_;
  bool failed_ = false;
};

}  // namespace grabfs::cli
