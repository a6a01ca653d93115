// SPDX-License-Identifier: Apache-2.0
#include "cli/view/look.h"

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

}  // namespace

void Paint(const Image& rgb, const Look& look, std::span<std::byte> out) {
  if (rgb.bits == 8) {
    return PaintEach<1>(
        rgb, [](const uint8_t* in) { return *in; }, out);
  }
  const auto screen = [&look](const uint8_t* in) { return look.levels(in[0] << 8U | in[1]); };
  PaintEach<2>(rgb, screen, out);
}

}  // namespace grabfs::view
