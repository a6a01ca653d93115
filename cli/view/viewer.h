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
#include <vector>

#include "cli/mount/device.h"
#include "cli/mount/frame.h"
#include "cli/view/canvas.h"
#include "cli/view/caption.h"
#include "cli/view/histogram.h"
#include "cli/view/look.h"
#include "cli/view/plot.h"
#include "cli/view/uploader.h"
#include "cli/view/window.h"
#include "cli/view/x_server.h"

namespace grabfs::view {

class Viewer {
 public:
  struct Options {
    int zoom = 0;  // the picture is 2^zoom times as large
    bool full_screen = false;
    bool share = true;  // see Uploader
  };
  Viewer(const XServer& server, const cli::Device& device, const Options& options);

  // Returns when the user quits. Throws Error if the device or the X server is gone.
  void Run();

 private:
  using Clock = std::chrono::steady_clock;

  void Await();
  // False: quit.
  bool Obey(Command command);
  void StartOrStop();
  void Step();
  void Save();
  void Zoom(int zoom);
  void SetFullScreen(bool full);
  void Toggle(bool& wanted);
  // Of formats with more than 8 bits a sample.
  void SetLevels(const Levels& levels);
  void SetLevelsFromPicture();
  [[nodiscard]] bool HasLevels() const;
  // Writes an attribute of the device; if it is refused, the user reads why.
  void Set(const std::string& attribute, const std::string& value);
  void Note(const std::string& text);
  [[nodiscard]] bool wants_frames() const { return !paused_ || step_; }
  // Newest() or Next(), without waiting. nullopt: there is none, or the device has failed. If no
  // more may be held, gives up the frame that is shown.
  using Find = std::optional<grabfs::Frame> (grabfs::Device::*)(grabfs::Device::Timeout);
  std::optional<grabfs::Frame> Take(Find find);
  void Show(std::optional<grabfs::Frame> frame);
  // The frame that is shown, as the user wants to see it now.
  void ShowAgain();
  // Gives the frame that is shown to the server, and computes what is shown beside it.
  void Upload();
  void Measure();
  // Gives the window the size of its picture.
  void FitWindow() const;
  void Draw() const;
  // The same, after something else may have been there.
  void Redraw() const;
  void MakeCanvas(const FrameFormat& format);
  // What is to be said about the device, and what a key has done.
  [[nodiscard]] std::vector<std::string> Lines() const;
  void UpdateText();
  void UpdateTitle();

  const XServer& server_;
  cli::Device device_;
  grabfs::Device camera_;
  Window window_;
  Caption caption_;
  Plot plot_;
  Uploader uploader_;
  Look look_;
  bool look_changed_ = false;
  bool histogram_wanted_ = false;
  bool focus_wanted_ = false;
  // Of the frame that is shown; empty when not wanted.
  std::optional<Histogram> histogram_;
  std::optional<double> sharpness_;
  int zoom_;
  std::string state_;  // of the device, as status.json calls it
  bool paused_ = false;
  bool step_ = false;  // one more frame, although paused
  std::unique_ptr<Canvas> canvas_;
  std::optional<grabfs::Frame> shown_;
  bool text_wanted_ = true;
  std::vector<std::string> lines_;  // which the window shows; none if it cannot
  std::string note_;                // what a key has done
  Clock::time_point note_end_;
  Clock::time_point second_ = Clock::now();
  uint64_t frames_in_second_ = 0;
  uint64_t rate_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace grabfs::view
