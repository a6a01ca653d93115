// SPDX-License-Identifier: Apache-2.0
//
// Bayer formats as RGB: which colour lies where, compared with bilinear interpolation in floating
// point, borders included, and widened to 16 bits.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string_view>

#include "fusefs/picture/image.h"
#include "fusefs/picture/paint.h"

namespace grabfs {
namespace {

constexpr uint32_t kWidth = 22;
constexpr uint32_t kHeight = 18;

struct Case {
  Fourcc fourcc;
  uint32_t bits;
  std::string_view colours;  // of the first two pixels of the first two rows
};
constexpr std::array kCases = {
    Case{MakeFourcc("BA81"), 8, "BGGR"},  Case{MakeFourcc("GBRG"), 8, "GBRG"},
    Case{MakeFourcc("GRBG"), 8, "GRBG"},  Case{MakeFourcc("RGGB"), 8, "RGGB"},
    Case{MakeFourcc("BG10"), 10, "BGGR"}, Case{MakeFourcc("GB10"), 10, "GBRG"},
    Case{MakeFourcc("BA10"), 10, "GRBG"}, Case{MakeFourcc("RG10"), 10, "RGGB"},
    Case{MakeFourcc("BG12"), 12, "BGGR"}, Case{MakeFourcc("GB12"), 12, "GBRG"},
    Case{MakeFourcc("BA12"), 12, "GRBG"}, Case{MakeFourcc("RG12"), 12, "RGGB"},
};

char ColourAt(const Case& c, int x, int y) {
  return c.colours[static_cast<size_t>((y & 1) * 2 + (x & 1))];
}

// A mosaic whose samples are `sample(x, y)`.
template <typename Sample>
Bytes MakeMosaic(const Case& c, Sample sample) {
  Bytes pixels;
  for (uint32_t y = 0; y < kHeight; ++y) {
    for (uint32_t x = 0; x < kWidth; ++x) {
      const uint32_t value = sample(x, y);
      pixels.push_back(static_cast<uint8_t>(value));
      if (c.bits > 8) pixels.push_back(static_cast<uint8_t>(value >> 8));
    }
  }
  return pixels;
}

uint32_t Noise(uint32_t x, uint32_t y, uint32_t bits) {
  return ((x * 2654435761U + y * 40503U) * 2246822519U >> 13) & ((1U << bits) - 1);
}

int Mirrored(int at, uint32_t size) {
  if (at < 0) return -at;
  return at < static_cast<int>(size) ? at : 2 * static_cast<int>(size) - 2 - at;
}

// The mean of all pixels of a colour that are at the least distance from (x, y).
double Reference(const Case& c, char colour, int x, int y) {
  if (ColourAt(c, x, y) == colour) return Noise(x, y, c.bits);
  double sum[2] = {};
  int count[2] = {};
  for (int dy = -1; dy <= 1; ++dy) {
    for (int dx = -1; dx <= 1; ++dx) {
      const int far = dx != 0 && dy != 0 ? 1 : 0;
      const int nx = Mirrored(x + dx, kWidth);
      const int ny = Mirrored(y + dy, kHeight);
      if (ColourAt(c, nx, ny) != colour) continue;
      sum[far] += Noise(static_cast<uint32_t>(nx), static_cast<uint32_t>(ny), c.bits);
      ++count[far];
    }
  }
  return count[0] > 0 ? sum[0] / count[0] : sum[1] / count[1];
}

// A sample of the image in units of the mosaic's depth.
int SampleAt(const Image& image, uint32_t bits, size_t index) {
  if (image.bits == 8) return image.samples[index];
  return (image.samples[2 * index] << 8 | image.samples[2 * index + 1]) >> (16 - bits);
}

TEST(Bayer, EveryPixelIsTheMeanOfItsNearestNeighbours) {
  for (const Case& c : kCases) {
    const FrameFormat format = MakeFrameFormat(c.fourcc, kWidth, kHeight);
    const Image image =
        Convert(format, MakeMosaic(c, [&](auto x, auto y) { return Noise(x, y, c.bits); }));
    ASSERT_EQ(image.channels, 3U);
    ASSERT_EQ(image.samples.size(), image.row_bytes() * kHeight);
    double worst = 0;
    size_t index = 0;
    for (int y = 0; y < static_cast<int>(kHeight); ++y) {
      for (int x = 0; x < static_cast<int>(kWidth); ++x) {
        for (const char colour : {'R', 'G', 'B'}) {
          const double exact = Reference(c, colour, x, y);
          worst = std::max(worst, std::abs(SampleAt(image, c.bits, index++) - exact));
        }
      }
    }
    EXPECT_LE(worst, 0.5) << FourccName(c.fourcc);
  }
}

TEST(Bayer, ColoursOfTheSameValueStayThat) {
  for (const Case& c : kCases) {
    const FrameFormat format = MakeFrameFormat(c.fourcc, kWidth, kHeight);
    const auto flat = [&](uint32_t x, uint32_t y) -> uint32_t {
      const char colour = ColourAt(c, static_cast<int>(x), static_cast<int>(y));
      return colour == 'R' ? 200 : colour == 'G' ? 100 : 50;
    };
    const Image image = Convert(format, MakeMosaic(c, flat));
    for (size_t i = 0; i < size_t{kWidth} * kHeight; ++i) {
      ASSERT_EQ(SampleAt(image, c.bits, 3 * i), 200) << FourccName(c.fourcc);
      ASSERT_EQ(SampleAt(image, c.bits, 3 * i + 1), 100) << FourccName(c.fourcc);
      ASSERT_EQ(SampleAt(image, c.bits, 3 * i + 2), 50) << FourccName(c.fourcc);
    }
  }
}

TEST(Bayer, AMosaicOfAPictureHasItsColours) {
  const Bytes rgb = [] {
    Bytes pixels;
    for (uint32_t i = 0; i < kWidth * kHeight; ++i) pixels.insert(pixels.end(), {255, 128, 0});
    return pixels;
  }();
  for (const Case& c : kCases) {
    const FrameFormat format = MakeFrameFormat(c.fourcc, kWidth, kHeight);
    Bytes mosaic(format.bytes);
    ASSERT_EQ(PaintedIn(c.fourcc), kRgb3);
    PaintFrame(format, rgb, mosaic);
    const Image image = Convert(format, mosaic);
    const int largest = (1 << c.bits) - 1;
    for (size_t i = 0; i < size_t{kWidth} * kHeight; ++i) {
      ASSERT_EQ(SampleAt(image, c.bits, 3 * i), largest) << FourccName(c.fourcc);
      ASSERT_NEAR(SampleAt(image, c.bits, 3 * i + 1), largest * 128 / 255, 1);
      ASSERT_EQ(SampleAt(image, c.bits, 3 * i + 2), 0);
    }
  }
}

TEST(Bayer, TheLargestValueIsWhiteAndWhatLiesBeyondItToo) {
  const FrameFormat format = MakeFrameFormat(MakeFourcc("RG10"), kWidth, kHeight);
  for (const uint8_t high : {uint8_t{0x03}, uint8_t{0xff}}) {
    Bytes pixels(format.bytes, 0xff);
    for (size_t i = 1; i < pixels.size(); i += 2) pixels[i] = high;
    const Image image = Convert(format, pixels);
    EXPECT_EQ(image.bits, 16U);
    EXPECT_EQ(image.samples, Bytes(image.samples.size(), 0xff));
    EXPECT_EQ(Convert(format, pixels, Colours::kToGrey).samples,
              Bytes(size_t{kWidth} * kHeight * 2, 0xff));
  }
}

}  // namespace
}  // namespace grabfs
