// SPDX-License-Identifier: Apache-2.0
//
// The test picture as a device: every byte as kmod/test_picture.h defines it.
#include "fusefs/source/software/pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "fusefs/picture/paint.h"
#include "kmod/test_picture.h"
#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

constexpr Fourcc kPaintable[] = {kGrey, kY16, kYuyv, kRgb3, kBgr3, kBgr4, kXr24, kNv12};

// The picture computed byte by byte, in pieces, as a checker does it.
std::vector<std::byte> Expected(const FrameFormat& format, uint64_t sequence) {
  test_picture picture;
  EXPECT_EQ(test_picture_init(&picture, format.fourcc, format.width, format.height), 1);
  EXPECT_EQ(picture.bytes, format.bytes);
  EXPECT_EQ(picture.stride, format.stride);
  std::vector<uint8_t> table(test_picture_table_bytes(&picture));
  test_picture_table_init(&picture, table.data());
  std::vector<std::byte> frame(picture.bytes);
  constexpr size_t kPiece = 1000;
  for (size_t offset = 0; offset < frame.size(); offset += kPiece) {
    test_picture_paint(&picture, table.data(), sequence, offset,
                       std::min(kPiece, frame.size() - offset),
                       reinterpret_cast<uint8_t*>(frame.data()) + offset);
  }
  return frame;
}

void ExpectFrames(Rig& rig, int count) {
  for (int i = 0; i < count; ++i) {
    const Completion completion = rig.Next();
    ASSERT_EQ(completion.kind, Completion::Kind::kFrame);
    ASSERT_TRUE(std::ranges::equal(rig.buffer(completion.buffer).bytes(),
                                   Expected(rig->format(), completion.sequence)))
        << rig->format().name() << " frame " << completion.sequence;
  }
}

TEST(Pattern, Is640By480Bgr4At30WithoutOptions) {
  const auto source = MakeSourceFrom("pattern");
  EXPECT_EQ(source->format(), MakeFrameFormat(kBgr4, 640, 480));
  EXPECT_EQ(source->rate(), (Rate{30, 1}));
  EXPECT_EQ(source->description(), "pattern");
}

TEST(Pattern, PaintsEveryFormatAsDefined) {
  for (const Fourcc fourcc : kPaintable) {
    Rig rig("pattern,rate=0,width=322,height=242,format=" + FourccName(fourcc));
    rig->Start(0);
    ExpectFrames(rig, 5);
  }
}

TEST(Pattern, BayerFormatsHaveTheColoursOfThePicture) {
  for (const char* name : {"RGGB", "GB10", "BG12"}) {
    Rig rig("pattern,rate=0,width=64,height=32,format=" + std::string(name));
    rig->Start(0);
    const Completion frame = rig.Next();
    const FrameFormat colours = MakeFrameFormat(kRgb3, 64, 32);
    const auto rgb = Expected(colours, frame.sequence);
    std::vector<uint8_t> mosaic(rig->format().bytes);
    PaintFrame(rig->format(), {reinterpret_cast<const uint8_t*>(rgb.data()), rgb.size()}, mosaic);
    const auto bytes = rig.buffer(frame.buffer).bytes();
    for (size_t row = 0; row < bytes.size(); row += rig->format().stride) {
      EXPECT_EQ(std::to_integer<uint64_t>(bytes[row]), frame.sequence);
      EXPECT_EQ(std::memcmp(&bytes[row + 8], &mosaic[row + 8], rig->format().stride - 8), 0);
    }
  }
}

TEST(Pattern, LargerSamplesAreThoseOfEightBitsWidened) {
  struct Case {
    const char* name;
    Fourcc narrow;
    unsigned bits;
    unsigned padding_bits;
  };
  for (const Case& c :
       {Case{"Y10", kGrey, 10, 0}, Case{"Y12", kGrey, 12, 0}, Case{"P010", kNv12, 10, 6}}) {
    Rig rig("pattern,rate=0,width=64,height=32,format=" + std::string(c.name));
    rig->Start(0);
    rig.Take(5);
    const Completion frame = rig.Next();
    const auto narrow = Expected(MakeFrameFormat(c.narrow, 64, 32), frame.sequence);
    const auto bytes = rig.buffer(frame.buffer).bytes();
    ASSERT_EQ(bytes.size(), narrow.size() * 2) << c.name;
    for (size_t i = 0; i < narrow.size(); ++i) {
      const size_t word =
          std::to_integer<size_t>(bytes[2 * i]) | std::to_integer<size_t>(bytes[2 * i + 1]) << 8;
      const auto sample = std::to_integer<size_t>(narrow[i]);
      const size_t wide = sample << (c.bits - 8) | sample >> (16 - c.bits);
      const bool stamp = i % 64 < TEST_PICTURE_STAMP_BYTES / 2;
      const size_t number = i % 64 == 0 ? frame.sequence : 0;
      ASSERT_EQ(word, stamp ? number : wide << c.padding_bits) << c.name << " sample " << i;
    }
  }
}

TEST(Pattern, PaintsTheSmallestAndTheWidestAndTheTallestPicture) {
  for (const char* size :
       {"width=16,height=16", "width=16384,height=16", "width=16,height=16384"}) {
    Rig rig("pattern,rate=0,format=NV12," + std::string(size));
    rig->Start(0);
    ExpectFrames(rig, 2);
  }
}

TEST(Pattern, EveryRowCarriesTheSequenceNumber) {
  Rig rig("pattern,rate=0,format=RGB3,width=64,height=32");
  rig->Start(0);
  rig.Take(300);
  const Completion frame = rig.Next();
  const auto bytes = rig.buffer(frame.buffer).bytes();
  for (uint32_t row = 0; row < 32; ++row) {
    uint64_t stamp = 0;
    std::memcpy(&stamp, bytes.data() + size_t{row} * rig->format().stride, sizeof stamp);
    EXPECT_EQ(stamp, 300u);
  }
}

TEST(Pattern, ChangesItsFormatAndSize) {
  Rig rig("pattern,rate=0,width=64,height=64");
  rig->SetFormat({.fourcc = kYuyv, .height = 32});
  EXPECT_EQ(rig->format(), MakeFrameFormat(kYuyv, 64, 32));
  rig.Rebind();
  rig->Start(0);
  ExpectFrames(rig, 3);
}

TEST(Pattern, RefusesFormatsThatItCannotPaint) {
  constexpr char kText[] =
      "format YU12: pattern can be one of GREY Y10 Y12 Y16 YUYV RGB3 BGR3 BGR4 XR24 NV12 P010 "
      "BA81 GBRG GRBG RGGB BG10 GB10 BA10 RG10 BG12 GB12 BA12 RG12";
  EXPECT_EQ(ErrorOf(EINVAL, [] { MakeSourceFrom("pattern,format=YU12"); }), kText);
  Rig rig("pattern,rate=0,width=64,height=64");
  EXPECT_EQ(ErrorOf(EINVAL, [&] { rig->SetFormat({.fourcc = kYu12}); }), kText);
  rig->Start(0);
  ExpectFrames(rig, 1);
}

TEST(Pattern, RefusesImpossibleSizes) {
  EXPECT_EQ(ErrorOf(EINVAL, [] { MakeSourceFrom("pattern,width=0"); }),
            "width 0: must be a multiple of 2 from 16 to 16384");
  EXPECT_EQ(ErrorOf(EINVAL, [] { MakeSourceFrom("pattern,height=16386"); }),
            "height 16386: must be a multiple of 2 from 16 to 16384");
}

TEST(Pattern, TakesNoArgument) {
  EXPECT_EQ(ErrorOf(EINVAL, [] { MakeSourceFrom("pattern:bars"); }),
            "pattern:bars: pattern takes no argument after a colon");
}

}  // namespace
}  // namespace grabfs
