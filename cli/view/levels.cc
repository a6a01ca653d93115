// SPDX-License-Identifier: Apache-2.0
#include "cli/view/levels.h"

#include <algorithm>

namespace grabfs::view {
namespace {

// Values for each pixel of the mouse's way: 512 pixels are all.
constexpr int kDragStep = 128;

int WidthOf(Range range) { return static_cast<int>(range.high - range.low + 1); }

}  // namespace

Levels::Levels(Range range)
    : Levels(WidthOf(range), static_cast<int>(range.low) + WidthOf(range) / 2) {}

Levels::Levels(int window, int level)
    : window_(std::clamp(window, 1, kAll)), level_(std::clamp(level, 0, kAll)), screen_(kAll) {
  const int64_t black = level_ - window_ / 2;
  for (int64_t value = 0; value < kAll; ++value) {
    const int64_t bright = (value - black) * 256 / window_;
    screen_[static_cast<size_t>(value)] = static_cast<uint8_t>(std::clamp<int64_t>(bright, 0, 255));
  }
}

Levels Levels::Dragged(int right, int down) const {
  return {window_ + right * kDragStep, level_ + down * kDragStep};
}

std::string Levels::Text(uint32_t bits) const {
  const uint32_t surplus = 16 - bits;
  return "window " + std::to_string(window_ >> surplus) + ", level " +
         std::to_string(level_ >> surplus);
}

}  // namespace grabfs::view
