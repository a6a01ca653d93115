// SPDX-License-Identifier: Apache-2.0
//
// Lines of text in the upper left corner of a window, in the X server's own font "fixed". Some
// servers have no fonts: nothing is drawn there, and the caller says it elsewhere.
#pragma once

#include <xcb/xcb.h>

#include <string>
#include <vector>

#include "cli/view/x_server.h"

namespace grabfs::view {

class Caption {
 public:
  Caption(const XServer& server, xcb_window_t window);
  ~Caption();
  Caption(const Caption&) = delete;
  Caption& operator=(const Caption&) = delete;

  // The server has the font.
  [[nodiscard]] bool available() const { return line_height_ != 0; }

  // White on black, over what the window shows.
  void Draw(const std::vector<std::string>& lines) const;

 private:
  const XServer& server_;
  xcb_window_t window_;
  xcb_font_t font_;
  xcb_gcontext_t context_;
  int line_height_ = 0;
  int ascent_ = 0;
};

}  // namespace grabfs::view
