// SPDX-License-Identifier: Apache-2.0
//
// How often each value occurs in a picture. Pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "fusefs/picture/image.h"

namespace grabfs::view {

// By value of a sample: 2^bits numbers. The colours are counted together.
using Histogram = std::vector<uint64_t>;

Histogram Count(const Image& image);

// What is left when the darkest and the brightest half percent are put aside.
struct Range {
  uint32_t low = 0;
  uint32_t high = 0;
};
Range UsualRange(const Histogram& histogram);

}  // namespace grabfs::view
