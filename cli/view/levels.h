// SPDX-License-Identifier: Apache-2.0
//
// Window and level: which part of 65,536 values is spread over the 256 of a screen. The window is
// the width of the part, the level its middle.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/view/histogram.h"

namespace grabfs::view {

class Levels {
 public:
  // All values: the screen shows the upper 8 bits.
  Levels() : Levels(kAll, kAll / 2) {}
  // This range and no more.
  explicit Levels(Range range);

  // Of the mouse, in pixels: to the right widens the window, upwards lowers the level, which makes
  // the picture brighter.
  [[nodiscard]] Levels Dragged(int right, int down) const;

  [[nodiscard]] bool all() const { return window_ == kAll && level_ == kAll / 2; }
  [[nodiscard]] uint8_t operator()(uint32_t value) const { return screen_[value]; }

  // "window 512, level 384", in values of samples of that many bits.
  [[nodiscard]] std::string Text(uint32_t bits) const;

 private:
  static constexpr int kAll = 65536;

  Levels(int window, int level);

  int window_;
  int level_;
  std::vector<uint8_t> screen_;  // by value
};

}  // namespace grabfs::view
