// SPDX-License-Identifier: Apache-2.0
//
// The part of a window manager that fills the screen with a window and gives it its size back
// (EWMH: _NET_WM_STATE_FULLSCREEN).
#pragma once

#include <xcb/xcb.h>

#include <string>

namespace grabfs::mount_test {

class WindowManager {
 public:
  // Tells all programs that it can. Throws std::runtime_error.
  explicit WindowManager(const std::string& display);
  ~WindowManager();
  WindowManager(const WindowManager&) = delete;
  WindowManager& operator=(const WindowManager&) = delete;

  // Did the window ask for the whole screen before it was there?
  [[nodiscard]] bool WantsFullScreen(xcb_window_t window) const;
  void Fill(xcb_window_t window) const;

  // Waits for a window to ask for the screen, or to give it up, and grants it. False: none came.
  [[nodiscard]] bool Grant(bool full) const;

 private:
  void Shrink(xcb_window_t window) const;
  void Resize(xcb_window_t window, uint32_t width, uint32_t height) const;
  [[nodiscard]] xcb_atom_t Atom(const std::string& name) const;

  xcb_connection_t* connection_;
  xcb_screen_t* screen_;
  xcb_atom_t state_;
  xcb_atom_t full_screen_;
};

}  // namespace grabfs::mount_test
