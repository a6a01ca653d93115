// SPDX-License-Identifier: Apache-2.0
//
// Where a picture is drawn in its window.
#pragma once

#include <cstdint>

namespace grabfs::view {

// In pixels of the window.
struct Size {
  uint32_t width = 0;
  uint32_t height = 0;
  friend bool operator==(const Size&, const Size&) = default;
};
struct Area {
  int32_t x = 0;
  int32_t y = 0;
  Size size;
};

// 2^zoom times as large.
uint32_t Zoomed(uint32_t length, int zoom);
Size Zoomed(Size picture, int zoom);

// As large as the room allows, in its middle.
Area Fitted(Size picture, Size room);

}  // namespace grabfs::view
