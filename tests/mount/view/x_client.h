// SPDX-License-Identifier: Apache-2.0
//
// An X server without a screen, and what a person in front of it does: looks at a window, reads its
// title, presses keys.
#pragma once

#include <xcb/xcb.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/mount/support/process.h"

namespace grabfs::mount_test {

struct Screenshot {
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<std::byte> pixels;  // B G R and a byte that means nothing, row by row
};

class XClient {
 public:
  // Starts Xvfb and connects to it. Throws std::runtime_error.
  XClient();
  ~XClient();
  XClient(const XClient&) = delete;
  XClient& operator=(const XClient&) = delete;

  // ":5"
  [[nodiscard]] const std::string& display() const { return display_; }

  [[nodiscard]] xcb_window_t window() const { return window_; }

  // The only window of the screen; false when there is none (yet).
  bool FindWindow();
  [[nodiscard]] std::string Title() const;
  // What the window shows; nothing while it is larger than the screen or not there yet.
  [[nodiscard]] std::optional<Screenshot> Look() const;
  // Does the window show this text, as the server writes it, in white on black?
  [[nodiscard]] bool ShowsText(const std::string& text) const;
  // From now on the server has no fonts. `folder` is for its list of them.
  void TakeFontsAway(const std::string& folder) const;
  // A symbol of X: a character, or one of the 0xff00 block.
  void Press(uint32_t symbol) const;
  // With the left button, from the middle of the screen's upper left quarter.
  void Drag(int right, int down) const;

 private:
  void Connect();
  [[nodiscard]] std::optional<Screenshot> LookAt(xcb_drawable_t drawable) const;
  [[nodiscard]] Screenshot Write(const std::string& text) const;

  std::unique_ptr<Process> server_;
  std::string display_;
  xcb_connection_t* connection_ = nullptr;
  xcb_window_t root_ = 0;
  xcb_window_t window_ = 0;
};

}  // namespace grabfs::mount_test
