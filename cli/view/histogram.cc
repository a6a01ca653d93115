// SPDX-License-Identifier: Apache-2.0
#include "cli/view/histogram.h"

#include <numeric>

namespace grabfs::view {
namespace {

// Of the samples, at either end.
constexpr uint64_t kAside = 200;

// How many numbers come before the one with which the sum exceeds `limit`.
template <typename Iterator>
uint32_t StepsBeyond(Iterator number, uint64_t limit) {
  uint32_t steps = 0;
  for (uint64_t sum = *number; sum <= limit; sum += *++number) ++steps;
  return steps;
}

}  // namespace

Histogram Count(const Image& image) {
  Histogram histogram(size_t{1} << image.bits);
  const Bytes& in = image.samples;
  if (image.bits == 8) {
    for (const uint8_t sample : in) ++histogram[sample];
  } else {
    for (size_t i = 0; i + 1 < in.size(); i += 2) ++histogram[size_t{in[i]} << 8 | in[i + 1]];
  }
  return histogram;
}

Range UsualRange(const Histogram& histogram) {
  const uint64_t samples = std::accumulate(histogram.begin(), histogram.end(), uint64_t{0});
  const auto last = static_cast<uint32_t>(histogram.size() - 1);
  if (samples == 0) return {0, last};
  const uint64_t aside = samples / kAside;
  return {StepsBeyond(histogram.begin(), aside), last - StepsBeyond(histogram.rbegin(), aside)};
}

}  // namespace grabfs::view
