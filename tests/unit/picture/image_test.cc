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
constexpr Fourcc kRggb = MakeFourcc("RGGB");

Bytes Filled(const FrameFormat& format, uint8_t value = 0) { return Bytes(format.bytes, value); }

// BT.601 as the Recommendation states it, in floating point.
struct Rgb {
  double r, g, b;
};

Rgb Exact(double y, double cb, double cr) {
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
  return Convert(format, pixels, Colours::kToRgb);
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
  const Image grey = Convert(format, pixels, Colours::kToGrey);
  EXPECT_EQ(grey.channels, 1U);
  EXPECT_EQ(Bytes(grey.samples.begin(), grey.samples.begin() + 5), (Bytes{255, 76, 150, 29, 0}));
}

TEST(Image, GreyOfYCbCrIsItsLumaAtFullSwing) {
  for (const Fourcc fourcc : {kNv12, kYu12, k422p, kYuv444}) {
    const FrameFormat format = MakeFrameFormat(fourcc, kWidth, kHeight);
    Bytes pixels = Filled(format, 77);
    const Bytes luma = {0, 16, 17, 126, 235, 255};
    std::copy(luma.begin(), luma.end(), pixels.begin());
    const Image grey = Convert(format, pixels, Colours::kToGrey);
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
  const Image rgb = Convert(format, pixels, Colours::kToRgb);
  EXPECT_EQ(rgb.channels, 3U);
  EXPECT_EQ(Bytes(rgb.samples.begin(), rgb.samples.begin() + 6),
            (Bytes{0x12, 0x34, 0x12, 0x34, 0x12, 0x34}));
}

// The first samples of 16 bits.
std::vector<int> Words(const Image& image, size_t count) {
  std::vector<int> words;
  for (size_t i = 0; i < count; ++i) {
    words.push_back(image.samples[2 * i] << 8 | image.samples[2 * i + 1]);
  }
  return words;
}

// Puts samples of two bytes, the less significant first.
void PutWords(Bytes& pixels, size_t at, const std::vector<int>& words) {
  for (const int word : words) {
    pixels[at++] = static_cast<uint8_t>(word);
    pixels[at++] = static_cast<uint8_t>(word >> 8);
  }
}

TEST(Image, GreyOfTenAndTwelveBitsFillsSixteen) {
  struct Case {
    const char* name;
    std::vector<int> samples;
    std::vector<int> expected;
  };
  for (const Case& c : {Case{"Y10", {0, 1, 512, 1023, 1024}, {0, 64, 0x8020, 0xffff, 0xffff}},
                        Case{"Y12", {0, 1, 2048, 4095, 4096}, {0, 16, 0x8008, 0xffff, 0xffff}}}) {
    const FrameFormat format = MakeFrameFormat(MakeFourcc(c.name), kWidth, kHeight);
    Bytes pixels = Filled(format);
    PutWords(pixels, 0, c.samples);
    const Image grey = Convert(format, pixels);
    EXPECT_EQ(grey.channels, 1U);
    EXPECT_EQ(grey.bits, 16U);
    EXPECT_EQ(Words(grey, 5), c.expected) << c.name << ": what lies beyond is the largest";
    EXPECT_EQ(Convert(format, pixels, Colours::kToGrey).samples, grey.samples);
    const auto& e = c.expected;
    EXPECT_EQ(Words(Convert(format, pixels, Colours::kToRgb), 6),
              (std::vector{e[0], e[0], e[0], e[1], e[1], e[1]}));
  }
}

// A P010 picture of one colour, in samples of 10 bits.
Bytes OneColour(const FrameFormat& format, int luma, int cb, int cr) {
  Bytes pixels(format.bytes);
  const size_t chroma = size_t{format.stride} * format.height;
  for (size_t i = 0; i < chroma; i += 2) PutWords(pixels, i, {luma << 6});
  for (size_t i = chroma; i < pixels.size(); i += 4) PutWords(pixels, i, {cb << 6, cr << 6});
  return pixels;
}

TEST(Image, TenBitsInTheHighBitsAreRoundedToSixteen) {
  const FrameFormat format = MakeFrameFormat(MakeFourcc("P010"), kWidth, kHeight);
  const auto rgb = [&](int luma, int cb, int cr) {
    return Words(Convert(format, OneColour(format, luma, cb, cr)), 3);
  };
  EXPECT_EQ(rgb(64, 512, 512), (std::vector{0, 0, 0}));
  EXPECT_EQ(rgb(940, 512, 512), (std::vector{65535, 65535, 65535}));
  EXPECT_EQ(rgb(0, 512, 512), (std::vector{0, 0, 0})) << "clipped";
  double worst = 0;
  for (int i = 0; i < 1000; ++i) {
    const int y = i * 37 % 1024;
    const int cb = i * 101 % 1024;
    const int cr = i * 211 % 1024;
    const Rgb exact = Exact(y / 4.0, cb / 4.0, cr / 4.0);
    const std::vector<int> words = rgb(y, cb, cr);
    size_t channel = 0;
    for (const double value : {exact.r, exact.g, exact.b}) {
      const double full = std::clamp(value / 255 * 65535, 0.0, 65535.0);
      worst = std::max(worst, std::abs(full - words[channel++]));
    }
  }
  EXPECT_LT(worst, 0.500001);
  EXPECT_EQ(Words(Convert(format, OneColour(format, 502, 64, 960), Colours::kToGrey), 1),
            (std::vector{32768}));
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
      // The name says where in each four bytes the samples of two pixels lie.
      if (const std::string name = FourccName(f.fourcc); name.find_first_not_of("YUV") > 3) {
        uint8_t* const pair = &pixels[size_t{y} * f.stride + x / 2 * 4];
        pair[name.find('Y') + x % 2 * 2] = luma(x, y);
        pair[name.find('U')] = cb(x, y);
        pair[name.find('V')] = cr(x, y);
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
  for (const Fourcc fourcc : {kYuyv, MakeFourcc("UYVY"), MakeFourcc("YVYU"), MakeFourcc("VYUY"),
                              kNv12, kYu12, k422p, kYuv444}) {
    for (const uint32_t padding : {0U, 32U}) {
      const FrameFormat format = WithStride(fourcc, padding);
      EXPECT_EQ(Convert(format, Picture(format)).samples, reference.samples)
          << FourccName(fourcc) << " with " << padding << " bytes between rows";
    }
  }
}

// The same without its last row and column: what shares their chroma samples keeps them.
TEST(Image, AnOddSizeIsTheFirstPartOfAnEvenOne) {
  for (const PixelFormat& known : PixelFormats()) {
    if (known.family == PixelFamily::kBayer) continue;  // mirrors at its edges
    const FrameFormat even = MakeFrameFormat(known.fourcc, kWidth, kHeight);
    Bytes pixels = Filled(even);
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i * i * 7 + i);
    const Image whole = Convert(even, pixels);
    FrameFormat odd = even;
    odd.width = kWidth - 1;
    odd.height = kHeight - 1;
    const Planes planes = PlanesOf(known, even.stride, even.height);
    const Planes fewer = PlanesOf(known, odd.stride, odd.height);
    odd.bytes = fewer.back().end();
    Bytes part;
    for (size_t plane = 0; plane < planes.size(); ++plane) {
      const auto begin = pixels.begin() + static_cast<ptrdiff_t>(planes[plane].offset);
      const auto bytes = static_cast<ptrdiff_t>(fewer[plane].end() - fewer[plane].offset);
      part.insert(part.end(), begin, begin + bytes);
    }
    const Image image = Convert(odd, part);
    for (uint32_t row = 0; row < odd.height; ++row) {
      EXPECT_TRUE(std::equal(&image.samples[row * image.row_bytes()],
                             &image.samples[row * image.row_bytes()] + image.row_bytes(),
                             &whole.samples[row * whole.row_bytes()]))
          << known.name << " row " << row;
    }
  }
}

TEST(Image, BayerPicturesOfOddSizesHaveEdgesToo) {
  const FrameFormat format = PackedFormat(kRggb, 17, 19);
  const Image image = Convert(format, Filled(format, 77));
  EXPECT_EQ(image.samples, Bytes(image.samples.size(), 77));
  EXPECT_FALSE(CanConvert(PackedFormat(kRggb, 1, 19)));
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
  unknown.fourcc = MakeFourcc("MJPG");
  EXPECT_THROW(Convert(unknown, Bytes(unknown.bytes)), Error);
}

}  // namespace
}  // namespace grabfs
