// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

constexpr uint32_t kWidth = 16;
constexpr uint32_t kHeight = 16;

Bytes Filled(const FrameFormat& format, uint8_t value = 0) { return Bytes(format.bytes, value); }

// BT.601 as the Recommendation states it, in floating point.
struct Rgb {
  double r, g, b;
};

Rgb Exact(int y, int cb, int cr) {
  const double luma = (y - 16) * 255.0 / 219;
  const double pb = (cb - 128) * 255.0 / 224;
  const double pr = (cr - 128) * 255.0 / 224;
  return {luma + 1.402 * pr, luma - (0.114 * 1.772 * pb + 0.299 * 1.402 * pr) / 0.587,
          luma + 1.772 * pb};
}

// How far `sample` is from the clipped exact value; correct rounding stays within a half.
double Distance(double exact, uint8_t sample) {
  return std::abs(std::clamp(exact, 0.0, 255.0) - sample);
}

// A 444P image of all chroma values for one luma value: 256 x 256.
Image AllChroma(uint8_t luma) {
  const FrameFormat format = MakeFrameFormat(kYuv444, 256, 256);
  Bytes pixels = Filled(format, luma);
  for (uint32_t i = 0; i < 256 * 256; ++i) {
    pixels[65536 + i] = static_cast<uint8_t>(i & 255);
    pixels[2 * 65536 + i] = static_cast<uint8_t>(i >> 8);
  }
  return ConvertToRgb(format, pixels);
}

TEST(Image, EveryYCbCrValueIsRoundedCorrectly) {
  double worst = 0;
  for (int y = 0; y < 256; ++y) {
    const Image image = AllChroma(static_cast<uint8_t>(y));
    for (int i = 0; i < 65536; ++i) {
      const Rgb exact = Exact(y, i & 255, i >> 8);
      const uint8_t* rgb = &image.samples[static_cast<size_t>(i) * 3];
      worst = std::max(
          {worst, Distance(exact.r, rgb[0]), Distance(exact.g, rgb[1]), Distance(exact.b, rgb[2])});
    }
  }
  EXPECT_LT(worst, 0.5);
}

TEST(Image, BlackWhiteAndThePrimariesOfStudioSwing) {
  const auto rgb = [](uint8_t y, uint8_t cb, uint8_t cr) {
    const Image image = AllChroma(y);
    const uint8_t* pixel = &image.samples[(size_t{cr} * 256 + cb) * 3];
    return Bytes(pixel, pixel + 3);
  };
  EXPECT_EQ(rgb(16, 128, 128), (Bytes{0, 0, 0}));
  EXPECT_EQ(rgb(235, 128, 128), (Bytes{255, 255, 255}));
  EXPECT_EQ(rgb(81, 90, 240), (Bytes{254, 0, 0}));
  EXPECT_EQ(rgb(145, 54, 34), (Bytes{0, 255, 1}));
  EXPECT_EQ(rgb(41, 240, 110), (Bytes{0, 0, 255}));
}

TEST(Image, EveryRgbFormatGivesTheSamePicture) {
  struct Case {
    Fourcc fourcc;
    Bytes pixel;
  };
  for (const Case& c : {Case{kRgb3, {1, 2, 3}}, Case{kBgr3, {3, 2, 1}}, Case{kBgr4, {3, 2, 1, 99}},
                        Case{kXr24, {3, 2, 1, 0}}}) {
    const FrameFormat format = MakeFrameFormat(c.fourcc, kWidth, kHeight);
    Bytes pixels = Filled(format);
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = c.pixel[i % c.pixel.size()];
    const Image image = Convert(format, pixels);
    ASSERT_EQ(image.samples.size(), size_t{kWidth} * kHeight * 3) << FourccName(c.fourcc);
    for (size_t i = 0; i < image.samples.size(); ++i) {
      ASSERT_EQ(image.samples[i], i % 3 + 1) << FourccName(c.fourcc);
    }
  }
}

TEST(Image, GreyOfRgbIsTheRoundedWeightedSum) {
  const FrameFormat format = MakeFrameFormat(kRgb3, kWidth, kHeight);
  Bytes pixels = Filled(format);
  const Bytes colours = {255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255};
  std::copy(colours.begin(), colours.end(), pixels.begin());
  const Image grey = ConvertToGrey(format, pixels);
  EXPECT_EQ(grey.channels, 1U);
  EXPECT_EQ(Bytes(grey.samples.begin(), grey.samples.begin() + 5), (Bytes{255, 76, 150, 29, 0}));
}

TEST(Image, GreyOfYCbCrIsItsLumaAtFullSwing) {
  for (const Fourcc fourcc : {kNv12, kYu12, k422p, kYuv444}) {
    const FrameFormat format = MakeFrameFormat(fourcc, kWidth, kHeight);
    Bytes pixels = Filled(format, 77);
    const Bytes luma = {0, 16, 17, 126, 235, 255};
    std::copy(luma.begin(), luma.end(), pixels.begin());
    const Image grey = ConvertToGrey(format, pixels);
    EXPECT_EQ(Bytes(grey.samples.begin(), grey.samples.begin() + 6),
              (Bytes{0, 0, 1, 128, 255, 255}))
        << FourccName(fourcc);
  }
}

TEST(Image, Y16KeepsItsSixteenBitsMostSignificantFirst) {
  const FrameFormat format = MakeFrameFormat(kY16, kWidth, kHeight);
  Bytes pixels = Filled(format);
  pixels[0] = 0x34;
  pixels[1] = 0x12;
  const Image grey = Convert(format, pixels);
  EXPECT_EQ(grey.bits, 16U);
  EXPECT_EQ(grey.samples[0], 0x12);
  EXPECT_EQ(grey.samples[1], 0x34);
  const Image rgb = ConvertToRgb(format, pixels);
  EXPECT_EQ(rgb.channels, 3U);
  EXPECT_EQ(Bytes(rgb.samples.begin(), rgb.samples.begin() + 6),
            (Bytes{0x12, 0x34, 0x12, 0x34, 0x12, 0x34}));
}

// Writes the same picture in each YCbCr format: luma rises along x, chroma depends on the block.
Bytes Picture(const FrameFormat& f) {
  Bytes pixels(f.bytes);
  const auto luma = [](uint32_t x, uint32_t y) { return static_cast<uint8_t>(20 + x * 8 + y); };
  const auto cb = [](uint32_t x, uint32_t y) {
    return static_cast<uint8_t>(60 + x / 2 * 9 + y / 2);
  };
  const auto cr = [](uint32_t x, uint32_t y) {
    return static_cast<uint8_t>(200 - x / 2 * 9 - y / 2);
  };
  const size_t plane = size_t{f.stride} * f.height;
  for (uint32_t y = 0; y < f.height; ++y) {
    for (uint32_t x = 0; x < f.width; ++x) {
      const size_t at = size_t{y} * f.stride + x;
      if (f.fourcc == kYuyv) {
        pixels[size_t{y} * f.stride + 2 * x] = luma(x, y);
        pixels[size_t{y} * f.stride + 2 * x + 1] = x % 2 == 0 ? cb(x, y) : cr(x, y);
        continue;
      }
      pixels[at] = luma(x, y);
      if (f.fourcc == kNv12) {
        pixels[plane + size_t{y / 2} * f.stride + x] = x % 2 == 0 ? cb(x, y) : cr(x, y);
      } else if (f.fourcc == kYuv444) {
        pixels[plane + at] = cb(x, y);
        pixels[2 * plane + at] = cr(x, y);
      } else {
        const uint32_t row = f.fourcc == kYu12 ? y / 2 : y;
        const size_t chroma_rows = f.fourcc == kYu12 ? f.height / 2 : f.height;
        const size_t chroma = size_t{row} * (f.stride / 2) + x / 2;
        pixels[plane + chroma] = cb(x, y);
        pixels[plane + chroma_rows * (f.stride / 2) + chroma] = cr(x, y);
      }
    }
  }
  return pixels;
}

FrameFormat WithStride(Fourcc fourcc, uint32_t padding) {
  FrameFormat format = MakeFrameFormat(fourcc, kWidth, kHeight);
  const uint64_t rows = format.bytes / format.stride;
  format.stride += padding;
  format.bytes = rows * format.stride;
  return format;
}

TEST(Image, EveryYCbCrLayoutGivesTheSamePicture) {
  const FrameFormat reference_format = MakeFrameFormat(kYuv444, kWidth, kHeight);
  const Image reference = Convert(reference_format, Picture(reference_format));
  for (const Fourcc fourcc : {kYuyv, kNv12, kYu12, k422p, kYuv444}) {
    for (const uint32_t padding : {0U, 32U}) {
      const FrameFormat format = WithStride(fourcc, padding);
      EXPECT_EQ(Convert(format, Picture(format)).samples, reference.samples)
          << FourccName(fourcc) << " with " << padding << " bytes between rows";
    }
  }
}

TEST(Image, PaddingBetweenRowsIsSkipped) {
  for (const Fourcc fourcc : {kGrey, kY16, kRgb3, kBgr4}) {
    const FrameFormat tight = MakeFrameFormat(fourcc, kWidth, kHeight);
    const FrameFormat padded = WithStride(fourcc, 24);
    Bytes tight_pixels = Filled(tight);
    for (size_t i = 0; i < tight_pixels.size(); ++i) tight_pixels[i] = static_cast<uint8_t>(i * 13);
    Bytes padded_pixels = Filled(padded, 0xee);
    for (uint32_t row = 0; row < kHeight; ++row) {
      std::copy_n(&tight_pixels[size_t{row} * tight.stride], tight.stride,
                  &padded_pixels[size_t{row} * padded.stride]);
    }
    EXPECT_EQ(Convert(padded, padded_pixels).samples, Convert(tight, tight_pixels).samples)
        << FourccName(fourcc);
  }
}

TEST(Image, WhatIsTooShortOrUnknownIsRefused) {
  for (const PixelFormat& known : PixelFormats()) {
    const FrameFormat format = MakeFrameFormat(known.fourcc, kWidth, kHeight);
    Bytes pixels = Filled(format);
    EXPECT_NO_THROW(Convert(format, pixels)) << known.name;
    pixels.pop_back();
    EXPECT_THROW(Convert(format, pixels), Error) << known.name;
    FrameFormat narrow = format;
    narrow.stride -= 2;
    EXPECT_THROW(Convert(narrow, Filled(format)), Error) << known.name;
  }
  FrameFormat unknown = MakeFrameFormat(kGrey, kWidth, kHeight);
  unknown.fourcc = MakeFourcc('M', 'J', 'P', 'G');
  EXPECT_THROW(Convert(unknown, Bytes(unknown.bytes)), Error);
}

}  // namespace
}  // namespace grabfs
