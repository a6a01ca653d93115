// SPDX-License-Identifier: Apache-2.0
//
// Frames of a device into one file, in order: those that are still in buffers from before, as many
// as are wanted, and then each new one. A frame is opened, and so held, the moment it is announced;
// a thread of its own writes. While the disk is slow, buffers fill; when all are held, the device
// drops, and that is counted.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <optional>

#include "cli/device.h"
#include "cli/frame_feed.h"
#include "cli/frame_report.h"
#include "cli/recording.h"
#include "cli/worker_pool.h"

namespace grabfs::cli {

class Recorder {
 public:
  struct Options {
    uint64_t before = 0;             // frames from before Run()
    std::optional<uint64_t> frames;  // then so many more
    std::optional<double> seconds;   // at most for so long
    double silence = 10;             // give up after so long without a frame
  };
  struct State {
    uint64_t before = 0;    // recorded from before
    uint64_t recorded = 0;  // all, those included
    uint64_t lost = 0;
    uint64_t bytes = 0;
  };
  using OnProgress = std::function<void(const State& state)>;

  Recorder(const Device& device, Recording& recording, const Options& options);

  // Until all is recorded, a signal ends it (StopSignals) or the device stops; a device that does
  // nothing is started for it, and stopped at the end. Throws TimeoutError, and Error when a frame
  // cannot be written; nothing is being written any more then.
  Tally Run(const OnProgress& on_progress);
  [[nodiscard]] const State& state() const { return state_; }

 private:
  void RecordHistory();
  void Record();
  [[nodiscard]] bool Finished() const;
  // True when the device has come to its end.
  bool Idle(const Deadline& silence);
  // nullopt: it has gone. Waits for frames to be written when this user may hold no more.
  std::optional<Frame> OpenFrame(uint64_t sequence);
  void Submit(Frame frame);
  // Waits until at most `unwritten` frames are not written.
  void Settle(size_t unwritten);

  const Device& device_;
  Recording& recording_;
  const Options options_;
  FrameFeed feed_;
  Tally tally_;
  State state_;
  OnProgress on_progress_;
  Deadline deadline_ = Deadline::Never();
  uint64_t taken_ = 0;                           // new frames opened
  std::deque<std::future<uint64_t>> unwritten_;  // recording_.bytes() after each
  WorkerPool writer_{1};                         // last: it uses recording_
};

}  // namespace grabfs::cli
