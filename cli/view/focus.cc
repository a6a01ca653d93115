// SPDX-License-Identifier: Apache-2.0
#include "cli/view/focus.h"

namespace grabfs::view {
namespace {

double ValueAt(const Image& grey, size_t x, size_t y) {
  const size_t i = y * grey.width + x;
  if (grey.bits == 8) return grey.samples[i];
  return grey.samples[2 * i] + grey.samples[2 * i + 1] / 256.0;
}

double LaplacianAt(const Image& grey, size_t x, size_t y) {
  return ValueAt(grey, x - 1, y) + ValueAt(grey, x + 1, y) + ValueAt(grey, x, y - 1) +
         ValueAt(grey, x, y + 1) - 4 * ValueAt(grey, x, y);
}

}  // namespace

double Sharpness(const Image& grey) {
  if (grey.width < 3 || grey.height < 3) return 0;  // no pixel has all its neighbours
  double sum = 0;
  double squares = 0;
  size_t count = 0;
  for (size_t y = grey.height / 3; y < grey.height - grey.height / 3; ++y) {
    for (size_t x = grey.width / 3; x < grey.width - grey.width / 3; ++x, ++count) {
      const double value = LaplacianAt(grey, x, y);
      sum += value;
      squares += value * value;
    }
  }
  const double mean = sum / static_cast<double>(count);
  return squares / static_cast<double>(count) - mean * mean;
}

}  // namespace grabfs::view
