// SPDX-License-Identifier: Apache-2.0
//
// Saves the next N frames of a device, each into a file; a few threads encode.
//
// A streaming device does not wait: frames that come while all buffers wait to be saved are lost
// and counted, and the series goes on until N frames are saved. A stopped device is triggered only
// as fast as frames are saved, so that none is lost.
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
#include "cli/save/saver.h"

namespace grabfs::cli {

class SaveSeries {
 public:
  // Called for each saved frame, in order of sequence, by the thread that runs Run(). `lost`: how
  // many frames are, by now.
  using OnSaved = std::function<void(const Saved&, uint64_t lost)>;

  // `silence`: seconds without a frame after which Run() gives up.
  SaveSeries(const Device& device, const Saver& saver, uint64_t frames, double silence,
             OnSaved on_saved);

  // Throws TimeoutError, and Error if a frame cannot be saved.
  Tally Run();

 private:
  using Pending = std::future<Saved>;

  [[nodiscard]] bool Finished() const;
  void Trigger();
  // Frames whose outcome is known.
  [[nodiscard]] uint64_t outcomes() const { return source_.frames() + source_.lost(); }
  // False: nothing has become known.
  bool Take();
  void Begin(grabfs::Frame frame);
  // Calls OnSaved for saved frames; waits until at most `unfinished` frames are not saved.
  void Deliver(size_t unfinished);
  void DeliverFirst();

  const Device& device_;
  const Saver& saver_;
  const uint64_t wanted_;
  const double silence_;
  const OnSaved on_saved_;

  FrameSource source_;
  // How many frames may be due or unsaved at a time, if this triggers them; nullopt: the device
  // streams.
  std::optional<uint64_t> window_;
  uint64_t triggered_ = 0;
  std::deque<Pending> pending_;
  WorkerPool workers_;  // last: tasks use saver_
};

}  // namespace grabfs::cli
