// SPDX-License-Identifier: Apache-2.0
//
// How the user wants to see the values of a picture on the screen.
#pragma once

#include <cstddef>
#include <span>

#include "cli/view/levels.h"
#include "fusefs/picture/image.h"

namespace grabfs::view {

struct Look {
  Levels levels;  // of samples of 16 bits; those of 8 bits are shown as they are
  // Marks pixels of the largest value, in any colour, red, and pixels of the lowest, in all
  // colours, blue.
  bool clipping = false;
};

// Writes the pixels of an RGB image as the X server wants them.
void Paint(const Image& rgb, const Look& look, std::span<std::byte> out);

}  // namespace grabfs::view
