// SPDX-License-Identifier: Apache-2.0
//
// SOURCE[,key=value...]: what is read, and what is refused with which words.
#include <gtest/gtest.h>

#include <cerrno>

#include "fusefs/source/options.h"
#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

TEST(SourceSpec, IsAKindAnArgumentAndOptions) {
  const SourceSpec spec = ParseSourceSpec("replay:/clips/a b.y4m,rate=25,buffers=8");
  EXPECT_EQ(spec.kind, "replay");
  EXPECT_EQ(spec.argument, "/clips/a b.y4m");
  EXPECT_EQ(spec.options, (std::map<std::string, std::string>{{"rate", "25"}, {"buffers", "8"}}));
}

TEST(SourceSpec, NeedsNeitherArgumentNorOptions) {
  const SourceSpec spec = ParseSourceSpec("pattern");
  EXPECT_EQ(spec.kind, "pattern");
  EXPECT_EQ(spec.argument, "");
  EXPECT_TRUE(spec.options.empty());
}

TEST(SourceSpec, OnlyTheFirstColonAndTheFirstEqualsSignCount) {
  const SourceSpec spec = ParseSourceSpec("v4l2:usb:1:2,label=a=b");
  EXPECT_EQ(spec.argument, "usb:1:2");
  EXPECT_EQ(spec.options.at("label"), "a=b");
}

TEST(SourceSpec, AValueMayBeEmpty) {
  EXPECT_EQ(ParseSourceSpec("pattern,label=").options.at("label"), "");
}

TEST(SourceSpec, RefusesWhatIsNoSpec) {
  const auto refusal = [](std::string_view text) {
    return ErrorOf(EINVAL, [text] { ParseSourceSpec(text); });
  };
  EXPECT_EQ(refusal(""), "'' names no source");
  EXPECT_EQ(refusal(":file"), "':file' names no source");
  EXPECT_EQ(refusal(",rate=1"), "',rate=1' names no source");
  EXPECT_EQ(refusal("pattern,fast"), "'fast' after the source is not key=value");
  EXPECT_EQ(refusal("pattern,=1"), "'=1' after the source is not key=value");
  EXPECT_EQ(refusal("pattern,"), "'' after the source is not key=value");
  EXPECT_EQ(refusal("pattern,,rate=1"), "'' after the source is not key=value");
  EXPECT_EQ(refusal("pattern,rate=1,rate=2"), "key 'rate' is given twice");
}

TEST(SourceOptions, AreTakenOutWhenUnderstood) {
  SourceSpec spec = ParseSourceSpec("x,format=NV12,width=64,height=32,rate=5,policy=keep-oldest");
  const FormatRequest request = TakeFormatOptions(spec);
  EXPECT_EQ(request.fourcc, kNv12);
  EXPECT_EQ(request.width, 64u);
  EXPECT_EQ(request.height, 32u);
  EXPECT_EQ(TakeRateOption(spec), (Rate{5, 1}));
  EXPECT_EQ(TakeRateOption(spec), std::nullopt);
  EXPECT_EQ(spec.options, (std::map<std::string, std::string>{{"policy", "keep-oldest"}}));
}

TEST(SourceOptions, RefuseValuesThatCannotBe) {
  const auto refusal = [](const std::string& text) {
    return ErrorOf(EINVAL, [&text] { MakeSourceFrom("pattern," + text); });
  };
  EXPECT_EQ(refusal("width=abc"), "width=abc: must be a number of pixels");
  EXPECT_EQ(refusal("width="), "width=: must be a number of pixels");
  EXPECT_EQ(refusal("height=-480"), "height=-480: must be a number of pixels");
  EXPECT_EQ(refusal("height=480.5"), "height=480.5: must be a number of pixels");
  EXPECT_EQ(refusal("width=99999999999"), "width=99999999999: must be a number of pixels");
  EXPECT_EQ(refusal("format=JPEG"), "format=JPEG: unknown; known are " + PixelFormatNames());
  EXPECT_EQ(refusal("rate=-1"), "rate -1: must not be negative");
}

TEST(MakeSource, RefusesUnknownSourcesAndListsTheKnownOnes) {
  const std::string text = ErrorOf(EINVAL, [] { MakeSourceFrom("camera:0"); });
  EXPECT_TRUE(text.starts_with("source 'camera': unknown; known are pattern, replay:FILE")) << text;
}

TEST(MakeSource, LeavesUnknownKeysToTheCaller) {
  SourceSpec spec = ParseSourceSpec("pattern,colour=red,buffers=3,rate=1");
  MakeSource(spec);
  EXPECT_EQ(spec.options,
            (std::map<std::string, std::string>{{"colour", "red"}, {"buffers", "3"}}));
}

}  // namespace
}  // namespace grabfs
