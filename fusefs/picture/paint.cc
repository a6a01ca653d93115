// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/paint.h"

#include "fusefs/picture/samples.h"

namespace grabfs {
namespace {

// Are the samples laid out alike, those of `narrow` in one byte each and those of `wide` in two?
bool IsNarrow(const PixelFormat& narrow, const PixelFormat& wide) {
  Components doubled = narrow.components;
  for (Component& component : doubled) {
    component.offset = static_cast<uint8_t>(component.offset * 2);
    component.step = static_cast<uint8_t>(component.step * 2);
  }
  return narrow.sample_bytes() == 1 && wide.sample_bytes() == 2 && narrow.family == wide.family &&
         narrow.chroma == wide.chroma && doubled == wide.components;
}

// Appends samples of 8 bits to a frame.
template <typename Word>
class Writer {
 public:
  Writer(const PixelFormat& pixel, uint8_t* out) : pixel_(pixel), out_(out) {}

  void Put(uint32_t sample) {
    if constexpr (sizeof(Word) == 2) {
      // The upper bits once more below them: the largest value becomes the largest.
      sample = sample << (pixel_.bits - 8) | sample >> (16 - pixel_.bits);
      sample <<= pixel_.padding_bits;
    }
    for (size_t i = 0; i < sizeof(Word); ++i) *out_++ = static_cast<uint8_t>(sample >> 8 * i);
  }

 private:
  const PixelFormat pixel_;
  uint8_t* out_;
};

template <typename Word>
void MakeMosaic(const PixelFormat& pixel, const FrameFormat& format, const uint8_t* rgb,
                Writer<Word> writer) {
  for (uint32_t y = 0; y < format.height; ++y) {
    const bool red_row = y % 2 == pixel.red_y;
    const size_t colour = red_row ? 0 : 2;
    const uint32_t first = red_row ? pixel.red_x : 1U - pixel.red_x;
    for (uint32_t x = 0; x < format.width; ++x, rgb += 3) {
      writer.Put(rgb[x % 2 == first ? colour : 1]);
    }
  }
}

}  // namespace

Fourcc PaintedIn(Fourcc fourcc) {
  const PixelFormat& wanted = *FindPixelFormat(fourcc);
  if (wanted.family == PixelFamily::kBayer) return kRgb3;
  for (const PixelFormat& pixel : PixelFormats()) {
    if (IsNarrow(pixel, wanted)) return pixel.fourcc;
  }
  return fourcc;
}

void PaintFrame(const FrameFormat& format, std::span<const uint8_t> picture,
                std::span<uint8_t> out) {
  const PixelFormat& pixel = *FindPixelFormat(format.fourcc);
  WithWordOf(pixel, [&](auto word) {
    Writer<decltype(word)> writer(pixel, out.data());
    if (pixel.family == PixelFamily::kBayer) {
      return MakeMosaic(pixel, format, picture.data(), writer);
    }
    for (const uint8_t sample : picture) writer.Put(sample);
  });
}

}  // namespace grabfs
