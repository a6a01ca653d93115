// SPDX-License-Identifier: Apache-2.0
#include "cli/view/look.h"

#include <algorithm>

#include "cli/view/canvas.h"

namespace grabfs::view {
namespace {

// `screen(in)`: the brightness of the sample at `in`, for the screen.
template <size_t kSampleBytes, typename Screen>
void PaintEach(const Image& rgb, Screen screen, std::span<std::byte> out) {
  constexpr size_t kStep = 3 * kSampleBytes;
  std::byte* pixel = out.data();
  for (size_t i = 0; i + kStep <= rgb.samples.size(); i += kStep, pixel += kPixelBytes) {
    const uint8_t* in = &rgb.samples[i];
    pixel[0] = std::byte{screen(in + 2 * kSampleBytes)};
    pixel[1] = std::byte{screen(in + kSampleBytes)};
    pixel[2] = std::byte{screen(in)};
    pixel[3] = std::byte{255};
  }
}

void PutColour(uint8_t blue, uint8_t red, std::byte* pixel) {
  pixel[0] = std::byte{blue};
  pixel[1] = std::byte{0};
  pixel[2] = std::byte{red};
}

void MarkClipping(const Image& rgb, std::span<std::byte> out) {
  const uint32_t largest = (1U << rgb.bits) - 1;
  const auto sample = [&rgb](size_t i) -> uint32_t {
    if (rgb.bits == 8) return rgb.samples[i];
    return uint32_t{rgb.samples[2 * i]} << 8 | rgb.samples[2 * i + 1];
  };
  for (size_t i = 0; i < size_t{rgb.width} * rgb.height; ++i) {
    const uint32_t high = std::max({sample(3 * i), sample(3 * i + 1), sample(3 * i + 2)});
    std::byte* const pixel = &out[i * kPixelBytes];
    if (high == largest) {
      PutColour(0, 255, pixel);
    } else if (high == 0) {
      PutColour(255, 0, pixel);
    }
  }
}

void PaintAll(const Image& rgb, const Levels& levels, std::span<std::byte> out) {
  if (rgb.bits == 8) {
    return PaintEach<1>(
        rgb, [](const uint8_t* in) { return *in; }, out);
  }
  PaintEach<2>(
      rgb, [&levels](const uint8_t* in) { return levels(in[0] << 8U | in[1]); }, out);
}

}  // namespace

void Paint(const Image& rgb, const Look& look, std::span<std::byte> out) {
  PaintAll(rgb, look.levels, out);
  if (look.clipping) MarkClipping(rgb, out);
}

}  // namespace grabfs::view
