// SPDX-License-Identifier: Apache-2.0
//
// Records frames of a device into one file, in order: first frames that are still in buffers, as
// many as asked for, then each new one. A second thread writes. While the disk is slow, frames wait
// in their buffers. When there is no buffer left, frames are lost, which are counted.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <optional>

#include "cli/base/worker_pool.h"
#include "cli/mount/device.h"
#include "cli/save/frame_report.h"
#include "cli/save/frame_source.h"
#include "cli/save/recording.h"

namespace grabfs::cli {

class Recorder {
 public:
  struct Options {
    uint64_t before = 0;             // how many frames from before Run()
    std::optional<uint64_t> frames;  // how many frames after that
    std::optional<double> seconds;   // at most for this time
    double silence = 10;             // seconds without a frame after which Run() gives up
  };
  struct State {
    uint64_t before = 0;    // recorded frames from before Run()
    uint64_t recorded = 0;  // all recorded frames, those included
    uint64_t lost = 0;
    uint64_t bytes = 0;
  };
  using OnProgress = std::function<void(const State& state)>;

  Recorder(const Device& device, Recording& recording, const Options& options);

  // Records until all is recorded, a signal comes (StopSignals) or the device stops. Starts a
  // stopped device, and stops it at the end. Throws TimeoutError, and Error if a frame cannot be
  // written; the writer is idle then.
  Tally Run(const OnProgress& on_progress);
  [[nodiscard]] const State& state() const { return state_; }

 private:
  void RecordHistory();
  void Record();
  [[nodiscard]] bool Finished() const;
  // Takes and submits a frame, if there is one within `seconds`. If no more may be held, waits
  // until one is written.
  bool TakeFrame(double seconds);
  // True: the device has stopped.
  bool Idle(Deadline& silence);
  void Submit(grabfs::Frame frame);
  // Waits until at most `unwritten` frames are not written yet.
  void AwaitWritten(size_t unwritten);

  const Device& device_;
  Recording& recording_;
  const Options options_;
  FrameSource source_;
  State state_;
  OnProgress on_progress_;
  Deadline deadline_ = Deadline::Never();
  std::deque<std::future<uint64_t>> unwritten_;  // recording_.bytes() after each
  WorkerPool writer_{1};                         // last: it uses recording_
};

}  // namespace grabfs::cli
