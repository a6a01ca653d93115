// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes samples in memory by the row of their pixel format, for the conversions of this
// directory. The row is interpreted once for each image. Loops over pixels are templates over Word,
// which is uint8_t for samples of 8 bits and uint16_t for larger ones.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fusefs/base/pixel_format.h"

namespace grabfs {

// The rows of one component of an image. Byte: uint8_t or const uint8_t.
template <typename Byte>
struct ComponentRows {
  Byte* start;  // the first sample
  size_t stride;
  size_t step;
  uint32_t count;

  [[nodiscard]] Byte* at(uint32_t row) const { return start + row * stride; }
};

// A component that the format does not have gets a step of 0 and must not be used.
template <typename Byte>
std::array<ComponentRows<Byte>, 3> RowsOf(const FrameFormat& format, Byte* image) {
  const PixelFormat& pixel = *FindPixelFormat(format.fourcc);
  const Planes planes = PlanesOf(pixel, format.stride, format.height);
  std::array<ComponentRows<Byte>, 3> rows;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Component& component = pixel.components[i];
    const Plane& plane = planes[component.plane];
    rows[i] = {image + plane.offset + component.offset, plane.stride, component.step, plane.rows};
  }
  return rows;
}

template <typename Word>
class SampleReader {
 public:
  explicit SampleReader(const PixelFormat& pixel)
      : padding_bits_(pixel.padding_bits),
        largest_((1U << pixel.bits) - 1),
        factor_((1U << pixel.bits) + 1),
        surplus_(2U * pixel.bits - 16) {}

  // The value of a sample; a value beyond the range of the format becomes its largest.
  uint32_t operator()(const uint8_t* in) const {
    if constexpr (sizeof(Word) == 1) return *in;
    const uint32_t word = in[0] | in[1] << 8U;
    return std::min(word >> padding_bits_, largest_);
  }

  // Scales a sample to all bits of a Word: the upper bits are repeated below, so that the largest
  // value becomes the largest.
  [[nodiscard]] uint32_t Widened(uint32_t sample) const {
    if constexpr (sizeof(Word) == 1) return sample;
    return sample * factor_ >> surplus_;
  }

 private:
  const uint32_t padding_bits_;
  const uint32_t largest_;
  const uint32_t factor_;  // puts the sample above itself
  const uint32_t surplus_;
};

// Writes a sample with the more significant byte first. Returns where the next one goes.
template <typename Word>
uint8_t* PutSample(uint32_t sample, uint8_t* out) {
  if constexpr (sizeof(Word) == 2) *out++ = static_cast<uint8_t>(sample >> 8);
  *out++ = static_cast<uint8_t>(sample);
  return out;
}

// Calls `action` with a number of the type that the samples of a format have.
template <typename Action>
auto WithWordOf(const PixelFormat& pixel, Action action) {
  return pixel.sample_bytes() == 1 ? action(uint8_t{}) : action(uint16_t{});
}

}  // namespace grabfs
