// SPDX-License-Identifier: Apache-2.0
//
// Pixel formats: names, sizes, and the refusal of what cannot be.
#include "fusefs/base/pixel_format.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

// The message of the Error(EINVAL) that making this format throws; "" when it throws none.
std::string Refusal(Fourcc fourcc, uint32_t width, uint32_t height) {
  try {
    MakeFrameFormat(fourcc, width, height);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), EINVAL);
    return error.what();
  }
  return "";
}

TEST(PixelFormat, EveryFormatIsFoundByItsNameAndByItsCode) {
  for (const PixelFormat& format : PixelFormats()) {
    EXPECT_EQ(FindPixelFormat(format.fourcc), &format);
    EXPECT_EQ(FindPixelFormat(format.name), &format);
    EXPECT_EQ(FourccName(format.fourcc), format.name);
  }
}

TEST(PixelFormat, NamesAndCodesAreUnique) {
  std::set<Fourcc> codes;
  std::set<std::string_view> names;
  for (const PixelFormat& format : PixelFormats()) {
    EXPECT_TRUE(codes.insert(format.fourcc).second) << format.name;
    EXPECT_TRUE(names.insert(format.name).second) << format.name;
  }
}

TEST(PixelFormat, CodesAreThoseOfV4l2) {
  EXPECT_EQ(kGrey, 0x59455247u);
  EXPECT_EQ(kY16, 0x20363159u);
  EXPECT_EQ(kYuyv, 0x56595559u);
  EXPECT_EQ(kNv12, 0x3231564eu);
}

TEST(PixelFormat, TrailingBlanksOfACodeAreNoPartOfItsName) {
  EXPECT_EQ(FourccName(kY16), "Y16");
  EXPECT_NE(FindPixelFormat("Y16"), nullptr);
  EXPECT_EQ(FindPixelFormat("Y16 "), nullptr);
}

TEST(PixelFormat, NamesAreCaseSensitive) { EXPECT_EQ(FindPixelFormat("grey"), nullptr); }

TEST(PixelFormat, AnyCodeHasATextOfItsOwn) {
  for (const std::string_view name : {"MJPG", "Y16", "RGB3", "Y16-BE", "p1A8", "a"}) {
    const auto fourcc = ParseFourcc(name);
    ASSERT_TRUE(fourcc) << name;
    EXPECT_EQ(FourccName(*fourcc), name);
  }
  EXPECT_EQ(ParseFourcc("Y16"), kY16);
  EXPECT_EQ(ParseFourcc("Y16-BE"), kY16 | 1U << 31);
  for (const std::string_view name : {"", "-BE", "MJPEG", "Y16 ", "\n", "Y\x80"}) {
    EXPECT_EQ(ParseFourcc(name), std::nullopt) << name;
  }
}

TEST(PixelFormat, ListsAllNamesForMessages) {
  EXPECT_EQ(PixelFormatNames(),
            "GREY Y10 Y12 Y16 YUYV UYVY YVYU VYUY RGB3 BGR3 BGR4 XR24 NV12 P010 YU12 S010 422P "
            "444P BA81 GBRG GRBG RGGB BG10 GB10 BA10 RG10 BG12 GB12 BA12 RG12");
}

TEST(FrameFormat, CountsTheBytesOfAllPlanes) {
  struct Case {
    const char* name;
    uint32_t stride;
    uint64_t bytes;
  };
  constexpr Case kCases[] = {
      {"GREY", 1920, 2073600}, {"Y10", 3840, 4147200},  {"Y12", 3840, 4147200},
      {"Y16", 3840, 4147200},  {"YUYV", 3840, 4147200}, {"RGB3", 5760, 6220800},
      {"BGR3", 5760, 6220800}, {"BGR4", 7680, 8294400}, {"XR24", 7680, 8294400},
      {"NV12", 1920, 3110400}, {"P010", 3840, 6220800}, {"YU12", 1920, 3110400},
      {"S010", 3840, 6220800}, {"422P", 1920, 4147200}, {"444P", 1920, 6220800},
      {"UYVY", 3840, 4147200}, {"YVYU", 3840, 4147200}, {"VYUY", 3840, 4147200},
      {"RGGB", 1920, 2073600}, {"RG10", 3840, 4147200}, {"RG12", 3840, 4147200},
  };
  for (const Case& expected : kCases) {
    const FrameFormat format = MakeFrameFormat(MakeFourcc(expected.name), 1920, 1080);
    EXPECT_EQ(format.stride, expected.stride) << format.name();
    EXPECT_EQ(format.bytes, expected.bytes) << format.name();
  }
}

TEST(FrameFormat, OddSizesHaveChromaForTheLastPixels) {
  EXPECT_EQ(PackedFormat(kGrey, 17, 19).bytes, 17U * 19);
  EXPECT_EQ(PackedFormat(kYuyv, 17, 19).stride, 36U);
  EXPECT_EQ(PackedFormat(MakeFourcc("UYVY"), 17, 19).stride, 36U);
  EXPECT_EQ(PackedFormat(kNv12, 17, 19).bytes, 17U * 19 + 18 * 10);
  EXPECT_EQ(PackedFormat(MakeFourcc("P010"), 17, 19).bytes, 34U * 19 + 36 * 10);
  EXPECT_EQ(PackedFormat(kYu12, 17, 19).bytes, 17U * 19 + 2 * 9 * 10);
  EXPECT_EQ(PackedFormat(k422p, 17, 19).bytes, 17U * 19 + 2 * 9 * 19);
  EXPECT_EQ(PackedFormat(kYuv444, 17, 19).bytes, 3U * 17 * 19);
}

TEST(FrameFormat, PlanesLieOneBehindAnother) {
  const auto planes = PlanesOf(*FindPixelFormat("422P"), 20, 7);
  EXPECT_EQ(planes[1].offset, 140U);
  EXPECT_EQ(planes[1].stride, 10U);
  EXPECT_EQ(planes[1].rows, 7U);
  EXPECT_EQ(planes[2].offset, 210U);
  EXPECT_EQ(planes[2].end(), 280U);
  const auto shared = PlanesOf(*FindPixelFormat("P010"), 40, 7);
  EXPECT_EQ(shared[1].offset, 280U);
  EXPECT_EQ(shared[1].stride, 40U);
  EXPECT_EQ(shared[1].rows, 4U);
  EXPECT_EQ(shared[2].end(), 440U) << "a plane that is not there is empty";
}

TEST(FrameFormat, TheLargestPictureIsCountedIn64Bits) {
  EXPECT_EQ(MakeFrameFormat(kBgr4, 16384, 16384).bytes, uint64_t{1} << 30);
}

TEST(FrameFormat, TheSmallestPictureIsSixteenBySixteen) {
  EXPECT_EQ(MakeFrameFormat(kNv12, 16, 16).bytes, 384u);
}

TEST(FrameFormat, RefusesSizesThatAreZeroOddTooSmallOrTooLarge) {
  EXPECT_EQ(Refusal(kGrey, 0, 480), "width 0: must be a multiple of 2 from 16 to 16384");
  EXPECT_EQ(Refusal(kGrey, 641, 480), "width 641: must be a multiple of 2 from 16 to 16384");
  EXPECT_EQ(Refusal(kGrey, 640, 14), "height 14: must be a multiple of 2 from 16 to 16384");
  EXPECT_EQ(Refusal(kGrey, 640, 16386), "height 16386: must be a multiple of 2 from 16 to 16384");
  EXPECT_EQ(Refusal(kGrey, 640, 4294967295u),
            "height 4294967295: must be a multiple of 2 from 16 to 16384");
}

TEST(FrameFormat, RefusesAnUnknownCodeAndListsTheKnownOnes) {
  EXPECT_EQ(Refusal(MakeFourcc("JPEG"), 640, 480),
            "format JPEG: unknown; known are " + PixelFormatNames());
}

}  // namespace
}  // namespace grabfs
