// SPDX-License-Identifier: Apache-2.0
//
// YUV4MPEG2 headers: what is understood, and at which byte the rest is refused.
#include "fusefs/picture/y4m.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

std::string Refusal(const std::string& text) {
  return ErrorOf(EINVAL, [&] { ParseY4mHeader(text); });
}

std::string FrameRefusal(const std::string& text, uint64_t offset = 0) {
  return ErrorOf(EINVAL, [&] { ParseY4mFrameHeader(text, offset); });
}

TEST(Y4m, IsKnownByItsFirstBytes) {
  EXPECT_TRUE(IsY4m("YUV4MPEG2 W16 H16\n"));
  EXPECT_FALSE(IsY4m("YUV4MPEG"));
  EXPECT_FALSE(IsY4m(""));
}

TEST(Y4m, ReadsTheHeaderThatFfmpegWrites) {
  const std::string text = "YUV4MPEG2 W640 H480 F30000:1001 Ip A1:1 C420jpeg XYSCSS=420JPEG\n";
  const Y4mHeader header = ParseY4mHeader(text + "FRAME\n...");
  EXPECT_EQ(header.format, MakeFrameFormat(kYu12, 640, 480));
  EXPECT_EQ(header.rate, (Rate{30000, 1001}));
  EXPECT_EQ(header.length, text.size());
}

TEST(Y4m, NeedsOnlyWidthAndHeight) {
  const Y4mHeader header = ParseY4mHeader("YUV4MPEG2 H16 W32\n");
  EXPECT_EQ(header.format, MakeFrameFormat(kYu12, 32, 16));
  EXPECT_EQ(header.rate, std::nullopt);
}

TEST(Y4m, KnowsTheColourSpacesOfEightBits) {
  const auto fourcc = [](const std::string& space) {
    return ParseY4mHeader("YUV4MPEG2 W16 H16 C" + space + "\n").format.fourcc;
  };
  for (const char* space : {"420", "420jpeg", "420mpeg2", "420paldv"}) {
    EXPECT_EQ(fourcc(space), kYu12) << space;
  }
  EXPECT_EQ(fourcc("422"), k422p);
  EXPECT_EQ(fourcc("444"), kYuv444);
  EXPECT_EQ(fourcc("mono"), kGrey);
}

TEST(Y4m, KnowsSamplesOfTwoBytes) {
  struct Case {
    const char* space;
    const char* format;
  };
  for (const Case& c : {Case{"mono10", "Y10"}, Case{"mono12", "Y12"}, Case{"mono16", "Y16"},
                        Case{"420p10", "S010"}}) {
    EXPECT_EQ(ParseY4mHeader("YUV4MPEG2 W16 H16 C" + std::string(c.space) + "\n").format,
              MakeFrameFormat(MakeFourcc(c.format), 16, 16));
  }
}

TEST(Y4m, ReadsWhatItPrints) {
  for (const PixelFormat& pixel : PixelFormats()) {
    if (!pixel.planar()) continue;
    const FrameFormat format = MakeFrameFormat(pixel.fourcc, 640, 480);
    const std::string text = PrintY4mHeader(format, {30000, 1001});
    const Y4mHeader header = ParseY4mHeader(text);
    EXPECT_EQ(header.format, format);
    EXPECT_EQ(header.rate, (Rate{30000, 1001}));
    EXPECT_EQ(header.length, text.size());
  }
  EXPECT_EQ(ParseY4mFrameHeader(kY4mFrameHeader, 0), kY4mFrameHeader.size());
}

TEST(Y4m, AnUnlimitedRateIsWrittenAsThirty) {
  EXPECT_EQ(PrintY4mHeader(MakeFrameFormat(kGrey, 32, 16), {0, 1}),
            "YUV4MPEG2 W32 H16 F30:1 Ip A1:1 Cmono\n");
}

TEST(Y4m, AcceptsInterlacingAspectAndExtensions) {
  EXPECT_NO_THROW(ParseY4mHeader("YUV4MPEG2 W16 H16 It A128:117 XCOLORRANGE=FULL X\n"));
}

TEST(Y4m, AcceptsSeveralBlanksBetweenParameters) {
  EXPECT_NO_THROW(ParseY4mHeader("YUV4MPEG2  W16   H16 \n"));
}

TEST(Y4m, ATimeBaseThatIsNoRateBecomesTheFastestRate) {
  const auto rate = [](const std::string& text) {
    return ParseY4mHeader("YUV4MPEG2 W16 H16 F" + text + "\n").rate;
  };
  EXPECT_EQ(rate("0:0"), std::nullopt);
  EXPECT_EQ(rate("25:1"), (Rate{25, 1}));
  EXPECT_EQ(rate("90000:1"), (Rate{10000, 1}));
  EXPECT_EQ(rate("10000:1"), (Rate{10000, 1}));
}

TEST(Y4m, RefusesAHeaderThatSaysTooLittle) {
  EXPECT_EQ(Refusal("YUV4MPEG2 W16\n"), "no width (W) or no height (H) at byte 13");
  EXPECT_EQ(Refusal("YUV4MPEG2\n"), "no width (W) or no height (H) at byte 9");
}

TEST(Y4m, RefusesAnotherSignature) {
  EXPECT_EQ(Refusal("YUV4MPEG23 W16 H16\n"), "no YUV4MPEG2 header at byte 0");
}

TEST(Y4m, RefusesParametersAndTellsWhere) {
  EXPECT_EQ(Refusal("YUV4MPEG2 Wxyz H16\n"), "'Wxyz' is no size at byte 10");
  EXPECT_EQ(Refusal("YUV4MPEG2 W H16\n"), "'W' is no size at byte 10");
  EXPECT_EQ(Refusal("YUV4MPEG2 W-16 H16\n"), "'W-16' is no size at byte 10");
  EXPECT_EQ(Refusal("YUV4MPEG2 W16 H99999999999\n"), "'H99999999999' is no size at byte 14");
  for (const char* rate : {"F", "F30", "F30:", "F:1", "F30:0", "F0:1", "F30/1x", "F30:1:1", "F-1:1",
                           "F99999999999999999999:1"}) {
    EXPECT_EQ(Refusal("YUV4MPEG2 W16 H16 " + std::string(rate) + "\n"),
              "'" + std::string(rate) + "' is no frame rate at byte 18");
  }
  EXPECT_EQ(Refusal("YUV4MPEG2 W16 H16 Q1\n"), "unknown parameter 'Q1' at byte 18");
}

TEST(Y4m, RefusesColourSpacesThatItCannotShow) {
  for (const char* space : {"420p16", "411", "444alpha", "", "422p16"}) {
    const std::string text = Refusal("YUV4MPEG2 W16 H16 C" + std::string(space) + "\n");
    EXPECT_TRUE(text.starts_with("colour space 'C" + std::string(space) + "' is none of Cmono "));
    EXPECT_TRUE(text.ends_with(" C444 at byte 18")) << text;
  }
}

TEST(Y4m, RefusesSizesThatNoDeviceHas) {
  EXPECT_EQ(Refusal("YUV4MPEG2 W17 H16\n"), "width 17: must be a multiple of 2 from 16 to 16384");
  EXPECT_EQ(Refusal("YUV4MPEG2 W16 H0\n"), "height 0: must be a multiple of 2 from 16 to 16384");
}

TEST(Y4m, RefusesHeadersWithoutAnEnd) {
  EXPECT_EQ(Refusal("YUV4MPEG2 W16 H16"), "truncated YUV4MPEG2 header at byte 17");
  EXPECT_EQ(Refusal("YUV4MPEG2 X" + std::string(kY4mMaxLine, 'x') + "\n"),
            "YUV4MPEG2 header without an end at byte 0");
}

TEST(Y4m, MeasuresFrameHeaders) {
  EXPECT_EQ(ParseY4mFrameHeader("FRAME\nFRAME\n", 0), 6u);
  EXPECT_EQ(ParseY4mFrameHeader("FRAME Ipp XTIME=3\n\n", 0), 18u);
}

TEST(Y4m, RefusesFrameHeadersAndTellsWhere) {
  EXPECT_EQ(FrameRefusal("FRAM\n", 100), "no frame header at byte 100");
  EXPECT_EQ(FrameRefusal("FRAMES\n", 100), "no frame header at byte 100");
  EXPECT_EQ(FrameRefusal("\n", 7), "no frame header at byte 7");
  EXPECT_EQ(FrameRefusal("FRA", 100), "truncated frame header at byte 103");
  EXPECT_EQ(FrameRefusal("FRAME I", 100), "truncated frame header at byte 107");
  EXPECT_EQ(FrameRefusal("FRAME " + std::string(kY4mMaxLine, 'I'), 100),
            "frame header without an end at byte 100");
}

}  // namespace
}  // namespace grabfs
