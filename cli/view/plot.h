// SPDX-License-Identifier: Apache-2.0
//
// Draws a histogram over the lower left corner of a window: 256 columns from the lowest values to
// the highest, white on black. The height of a column goes with the square root of its count, so
// that a few clipped pixels can be seen beside a large even surface.
#pragma once

#include <xcb/xcb.h>

#include "cli/view/area.h"
#include "cli/view/histogram.h"
#include "cli/view/x_server.h"

namespace grabfs::view {

class Plot {
 public:
  Plot(const XServer& server, xcb_window_t window);
  ~Plot();
  Plot(const Plot&) = delete;
  Plot& operator=(const Plot&) = delete;

  // `room`: the size of the window.
  void Draw(const Histogram& histogram, Size room) const;

 private:
  const XServer& server_;
  xcb_window_t window_;
  xcb_gcontext_t white_;
  xcb_gcontext_t black_;
};

}  // namespace grabfs::view
