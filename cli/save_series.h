// SPDX-License-Identifier: Apache-2.0
//
// The next N frames of a device, each into a file. Frames are opened, and so held, the moment they
// are announced, and encoded by a few threads.
//
// A streaming device goes its own way: what it produces while every buffer waits to be saved is
// dropped and counted, and the series goes on until N frames are saved. A stopped one is triggered
// only as fast as frames are saved, so that nothing is lost.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <optional>

#include "cli/device.h"
#include "cli/frame_feed.h"
#include "cli/frame_report.h"
#include "cli/saver.h"
#include "cli/worker_pool.h"

namespace grabfs::cli {

class SaveSeries {
 public:
  // Called for each saved frame, in order of sequence, by the thread that runs Run().
  using OnSaved = std::function<void(const Saved&, const Tally&)>;

  // `silence`: seconds without a frame after which Run() gives up.
  SaveSeries(const Device& device, const Saver& saver, uint64_t frames, double silence,
             OnSaved on_saved);

  // Throws TimeoutError, and Error when a frame cannot be saved.
  Tally Run();

 private:
  using Pending = std::future<Saved>;

  [[nodiscard]] bool Finished() const;
  void Trigger();
  void Begin(const Outcome& outcome);
  // Delivers what has been saved; waits until at most `unfinished` frames are not.
  void Deliver(size_t unfinished);
  void DeliverFirst();

  const Device& device_;
  const Saver& saver_;
  const uint64_t wanted_;
  const double silence_;
  const OnSaved on_saved_;

  FrameFeed feed_;
  Tally tally_;
  // When triggering: frames that may be due or unsaved at a time. Else the device streams.
  std::optional<uint64_t> window_;
  uint64_t triggered_ = 0;
  uint64_t opened_ = 0;
  uint64_t settled_ = 0;  // outcomes, of any kind
  std::deque<Pending> pending_;
  WorkerPool workers_;  // last: tasks use saver_
};

}  // namespace grabfs::cli
