// SPDX-License-Identifier: Apache-2.0
//
// A picture in the X server's memory (a pixmap), which can be drawn at any zoom. It is filled from
// memory that the server has mapped, or through the connection.
#pragma once

#include <xcb/render.h>
#include <xcb/xcb.h>

#include <cstdint>
#include <span>

#include "cli/view/area.h"
#include "cli/view/shared_memory.h"
#include "cli/view/x_server.h"

namespace grabfs::view {

// Pixels of four bytes: blue, green, red, and one that does not matter.
inline constexpr uint32_t kPixelBytes = 4;

class Canvas {
 public:
  // Throws Error, as all functions do.
  Canvas(const XServer& server, uint32_t width, uint32_t height);
  ~Canvas();
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  [[nodiscard]] Size size() const { return {width_, height_}; }

  // Both return when the server has read all pixels: the memory may change afterwards.
  void Fill(const SharedMemory& memory, uint32_t stride);
  void Fill(std::span<const uint8_t> pixels, uint32_t stride);

  // Scales it to an area of the window: enlarged pixels become squares, reduced ones are blended.
  void Draw(xcb_window_t window, const Area& area) const;

 private:
  [[nodiscard]] xcb_render_pictformat_t FindFormat() const;
  void ScaleTo(Size size) const;

  const XServer& server_;
  uint32_t width_;
  uint32_t height_;
  xcb_pixmap_t pixmap_;
  xcb_gcontext_t context_;
  xcb_render_pictformat_t format_;
  xcb_render_picture_t picture_;
};

}  // namespace grabfs::view
