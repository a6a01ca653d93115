// SPDX-License-Identifier: Apache-2.0
//
// Planar pictures: samples that only move are the same ones, colours are within 1 of BT.601
// rounded.
#include "fusefs/picture/planar.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/picture/image.h"
#include "fusefs/picture/jpeg.h"

namespace grabfs {
namespace {

constexpr uint32_t kWidth = 34;
constexpr uint32_t kHeight = 18;
constexpr Fourcc kS010 = MakeFourcc("S010");
constexpr Fourcc kPlanar[] = {
    kGrey, MakeFourcc("Y10"), MakeFourcc("Y12"), kY16, kYu12, kS010, k422p, kYuv444};

std::byte Noise(size_t i) { return static_cast<std::byte>(i * i * 31 + (i >> 3)); }

std::vector<std::byte> NoiseOf(const FrameFormat& format) {
  std::vector<std::byte> pixels(format.bytes);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = Noise(i);
  return pixels;
}

FrameFormat Padded(FrameFormat format, uint32_t padding) {
  const uint64_t rows = format.bytes / format.stride;
  format.stride += padding;
  format.bytes = rows * format.stride;
  return format;
}

std::vector<std::byte> Planar(const FrameFormat& format, const std::vector<std::byte>& pixels) {
  std::vector<std::byte> out(PlanarFormat(format).value().bytes);
  ToPlanar(format, pixels, out);
  return out;
}

TEST(Planar, WhatIsPlanarStaysAsItIs) {
  for (const Fourcc fourcc : kPlanar) {
    const FrameFormat format = MakeFrameFormat(fourcc, kWidth, kHeight);
    EXPECT_EQ(Planar(format, NoiseOf(format)), NoiseOf(format)) << format.name();
  }
}

TEST(Planar, WhatIsPlanarStaysAsItIsInOddSizesToo) {
  for (const Fourcc fourcc : kPlanar) {
    const FrameFormat format = PackedFormat(fourcc, kWidth + 1, kHeight + 1);
    EXPECT_EQ(Planar(format, NoiseOf(format)), NoiseOf(format)) << format.name();
  }
}

TEST(Planar, EveryFormatOfAnOddSizeFillsItsPlanes) {
  for (const PixelFormat& known : PixelFormats()) {
    const FrameFormat format = PackedFormat(known.fourcc, kWidth + 1, kHeight + 1);
    EXPECT_NO_THROW(Planar(format, NoiseOf(format))) << known.name;
  }
}

TEST(Planar, PaddingBetweenRowsIsSkipped) {
  for (const Fourcc fourcc : {kGrey, kY16, kYu12, k422p, kYuv444}) {
    const FrameFormat tight = MakeFrameFormat(fourcc, kWidth, kHeight);
    const FrameFormat padded = Padded(tight, 14);
    // Each sample is its row in its plane.
    const auto fill = [&](const FrameFormat& f) {
      std::vector<std::byte> pixels;
      const uint32_t chroma_stride = fourcc == kYuv444 ? f.stride : f.stride / 2;
      const uint32_t chroma_rows = fourcc == kYu12 ? kHeight / 2 : kHeight;
      for (uint32_t y = 0; y < kHeight; ++y) pixels.resize((y + 1) * f.stride, std::byte(y));
      if (fourcc == kGrey || fourcc == kY16) return pixels;
      for (uint32_t y = 0; y < 2 * chroma_rows; ++y) {
        pixels.resize(pixels.size() + chroma_stride, std::byte(100 + y));
      }
      return pixels;
    };
    EXPECT_EQ(Planar(padded, fill(padded)), fill(tight)) << tight.name();
  }
}

TEST(Planar, Nv12KeepsItsSamples) {
  const FrameFormat format = MakeFrameFormat(kNv12, kWidth, kHeight);
  const auto in = NoiseOf(format);
  const auto out = Planar(format, in);
  constexpr size_t kLuma = size_t{kWidth} * kHeight;
  ASSERT_EQ(out.size(), in.size());
  for (size_t i = 0; i < kLuma; ++i) ASSERT_EQ(out[i], in[i]);
  for (size_t i = 0; i < kLuma / 4; ++i) {
    ASSERT_EQ(out[kLuma + i], in[kLuma + 2 * i]);
    ASSERT_EQ(out[kLuma + kLuma / 4 + i], in[kLuma + 2 * i + 1]);
  }
}

TEST(Planar, AJpegBecomesWhatItIsDecodedTo) {
  const FrameFormat rgb = MakeFrameFormat(kRgb3, kWidth, kHeight);
  Image image = {kWidth, kHeight, 3, 8, Bytes(rgb.bytes)};
  for (size_t i = 0; i < image.samples.size(); ++i) image.samples[i] = static_cast<uint8_t>(i / 9);
  const Bytes jpeg = EncodeJpeg(image);
  DecodeJpeg(jpeg, image);
  const auto bytes = [](const Bytes& data) {
    const auto view = std::as_bytes(std::span(data));
    return std::vector(view.begin(), view.end());
  };
  for (const Fourcc fourcc : {kMjpg, kJpeg}) {
    const FrameFormat camera = {
        .fourcc = fourcc, .width = kWidth, .height = kHeight, .bytes = 9999};
    EXPECT_EQ(PlanarFormat(camera), MakeFrameFormat(kYuv444, kWidth, kHeight));
    EXPECT_EQ(Planar(camera, bytes(jpeg)), Planar(rgb, bytes(image.samples)));
    EXPECT_THROW(Planar(camera, {}), Error);
    EXPECT_THROW(Planar(camera, std::vector<std::byte>(1000)), Error);
  }
}

TEST(Planar, P010KeepsItsSamplesInTheLowBits) {
  const FrameFormat tight = MakeFrameFormat(MakeFourcc("P010"), kWidth, kHeight);
  EXPECT_EQ(PlanarFormat(tight), MakeFrameFormat(kS010, kWidth, kHeight));
  for (const FrameFormat& format : {tight, Padded(tight, 12)}) {
    std::vector<std::byte> in(format.bytes);
    const auto put = [&](size_t at, size_t sample) {
      in[at] = std::byte(sample << 6 & 0xff);
      in[at + 1] = std::byte(sample >> 2);
    };
    // Samples of three ranges, each its place in its plane.
    const size_t chroma = size_t{format.stride} * kHeight;
    for (size_t y = 0; y < kHeight; ++y) {
      for (size_t x = 0; x < kWidth; ++x) put(y * format.stride + 2 * x, y * kWidth + x);
    }
    for (size_t y = 0; y < kHeight / 2; ++y) {
      for (size_t x = 0; x < kWidth / 2; ++x) {
        put(chroma + y * format.stride + 4 * x, 700 + y * kWidth / 2 + x);
        put(chroma + y * format.stride + 4 * x + 2, 800 + y * kWidth / 2 + x);
      }
    }
    const auto out = Planar(format, in);
    constexpr size_t kLuma = size_t{kWidth} * kHeight;
    ASSERT_EQ(out.size(), kLuma * 3);
    for (size_t i = 0; i < kLuma * 3 / 2; ++i) {
      const size_t cb = i - kLuma;
      const size_t expected = i < kLuma ? i : cb < kLuma / 4 ? 700 + cb : 800 + cb - kLuma / 4;
      ASSERT_EQ(std::to_integer<size_t>(out[2 * i]) | std::to_integer<size_t>(out[2 * i + 1]) << 8,
                expected)
          << i;
    }
  }
}

// The name says where in each four bytes the samples of two pixels lie.
TEST(Planar, LumaAndChromaByTurnsKeepTheirSamples) {
  for (const std::string_view name : {"YUYV", "UYVY", "YVYU", "VYUY"}) {
    const FrameFormat format = MakeFrameFormat(MakeFourcc(name), kWidth, kHeight);
    const auto in = NoiseOf(format);
    const auto out = Planar(format, in);
    constexpr size_t kLuma = size_t{kWidth} * kHeight;
    ASSERT_EQ(out.size(), in.size());
    for (size_t i = 0; i < kLuma; ++i) ASSERT_EQ(out[i], in[2 * i + name.find('Y') % 2]) << name;
    for (size_t i = 0; i < kLuma / 2; ++i) {
      ASSERT_EQ(out[kLuma + i], in[4 * i + name.find('U')]) << name;
      ASSERT_EQ(out[kLuma + kLuma / 2 + i], in[4 * i + name.find('V')]) << name;
    }
  }
}

// ITU-R BT.601 as it is written, in floating point.
std::array<double, 3> Exact(double r, double g, double b) {
  const double y = 0.299 * r + 0.587 * g + 0.114 * b;
  return {16 + y * 219 / 255, 128 + (b - y) / 1.772 * 224 / 255, 128 + (r - y) / 1.402 * 224 / 255};
}

// All colours in steps of 5, each in a picture of its own row order.
TEST(Planar, RgbIsWithinOneOfBt601) {
  struct Case {
    Fourcc fourcc;
    uint32_t bytes, red, blue;
  };
  constexpr uint32_t kSide = 52;
  for (const Case& c :
       {Case{kRgb3, 3, 0, 2}, Case{kBgr3, 3, 2, 0}, Case{kBgr4, 4, 2, 0}, Case{kXr24, 4, 2, 0}}) {
    const FrameFormat format = MakeFrameFormat(c.fourcc, kSide, kSide);
    double worst = 0;
    for (uint32_t red = 0; red < 256; red += 5) {
      std::vector<std::byte> in(format.bytes);
      for (uint32_t i = 0; i < kSide * kSide; ++i) {
        in[i * c.bytes + c.red] = std::byte(red);
        in[i * c.bytes + 1] = std::byte(i % kSide * 5);
        in[i * c.bytes + c.blue] = std::byte(i / kSide * 5);
      }
      const auto out = Planar(format, in);
      for (uint32_t i = 0; i < kSide * kSide; ++i) {
        const auto exact = Exact(red, i % kSide * 5, i / kSide * 5);
        for (size_t plane = 0; plane < 3; ++plane) {
          const auto sample = std::to_integer<int>(out[plane * kSide * kSide + i]);
          worst = std::max(worst, std::abs(sample - std::round(exact[plane])));
        }
      }
    }
    EXPECT_LE(worst, 1.0) << format.name();
  }
}

TEST(Planar, BayerIsDemosaicedFirst) {
  for (const Fourcc fourcc : {MakeFourcc("RGGB"), MakeFourcc("GB10"), MakeFourcc("BG12")}) {
    const FrameFormat format = MakeFrameFormat(fourcc, kWidth, kHeight);
    const bool wide = format.stride > kWidth;
    std::vector<std::byte> white(format.bytes, std::byte{0xff});
    for (size_t i = 1; wide && i < white.size(); i += 2) {
      white[i] = std::byte(fourcc == MakeFourcc("GB10") ? 0x03 : 0x0f);
    }
    const auto out = Planar(format, white);
    ASSERT_EQ(out.size(), size_t{kWidth} * kHeight * 3);
    for (size_t i = 0; i < out.size(); ++i) {
      const int expected = i < size_t{kWidth} * kHeight ? 235 : 128;
      ASSERT_NEAR(std::to_integer<int>(out[i]), expected, 1) << format.name();
    }
  }
}

TEST(Planar, WhatCannotBeIsRefused) {
  EXPECT_EQ(PlanarFormat({.fourcc = MakeFourcc("H264"), .width = 16, .height = 16}), std::nullopt);
  EXPECT_EQ(PlanarFormat({.fourcc = kMjpg, .width = 0, .height = 16}), std::nullopt);
  const FrameFormat format = MakeFrameFormat(kNv12, kWidth, kHeight);
  std::vector<std::byte> out(format.bytes);
  std::vector<std::byte> in(format.bytes - 1);
  EXPECT_THROW(ToPlanar(format, in, out), Error);
  in.resize(format.bytes);
  out.pop_back();
  EXPECT_THROW(ToPlanar(format, in, out), Error);
}

}  // namespace
}  // namespace grabfs
