// SPDX-License-Identifier: Apache-2.0
//
// Shows a device in a window: waits for frames and keys, and draws the newest frame. It holds the
// frame that it shows, so that the user can save it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cli/mount/device.h"
#include "cli/mount/events.h"
#include "cli/view/canvas.h"
#include "cli/view/live_buffers.h"
#include "cli/view/uploader.h"
#include "cli/view/window.h"
#include "cli/view/x_server.h"

namespace grabfs::view {

class Viewer {
 public:
  // `zoom`: the picture is 2^zoom times as large. `share`: see Uploader.
  Viewer(const XServer& server, const cli::Device& device, int zoom, bool share);

  // Returns when the user quits. Throws Error if the device or the X server is gone.
  void Run();

 private:
  using Clock = std::chrono::steady_clock;

  void Await() const;
  // False: quit.
  bool Obey(Command command);
  void Step();
  void Save();
  void Zoom(int zoom);
  // Reads all events. True: there were some.
  bool TakeEvents();
  void ShowNewest();
  void Draw() const;
  void MakeCanvas(const FrameFormat& format);
  void UpdateTitle();

  const XServer& server_;
  cli::Device device_;
  cli::EventReader events_;
  Window window_;
  LiveBuffers buffers_;
  Uploader uploader_;
  int zoom_;
  bool paused_ = false;
  bool step_ = false;  // one more frame, although paused
  std::unique_ptr<Canvas> canvas_;
  std::optional<HeldFrame> shown_;
  std::string note_;  // what a key has done; shown until the next frame
  Clock::time_point second_ = Clock::now();
  uint64_t frames_in_second_ = 0;
  uint64_t rate_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace grabfs::view
