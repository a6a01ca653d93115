// SPDX-License-Identifier: Apache-2.0
//
// Agreeing with a V4L2 camera on format, size and rate: who names a value gets it or a refusal.
#include "fusefs/source/v4l2/format.h"

#include <cerrno>

#include "tests/unit/source/v4l2/rig.h"

namespace grabfs {
namespace {

class V4l2FormatTest : public V4l2Rig {
 protected:
  void ExpectFormat(const std::string& name, uint32_t width, uint32_t height) {
    EXPECT_EQ(source().format().name(), name);
    EXPECT_EQ(source().format().width, width);
    EXPECT_EQ(source().format().height, height);
  }
};

TEST_F(V4l2FormatTest, TheDeviceStaysAsItIsUnlessAsked) {
  Make();
  ExpectFormat("GREY", 64, 48);
  EXPECT_EQ(source().rate(), (Rate{30, 1}));
  EXPECT_EQ(Setting("card"), "A camera");
}

TEST_F(V4l2FormatTest, TheCommandLineChooses) {
  Make(",format=YUYV,width=128,height=96,rate=15");
  ExpectFormat("YUYV", 128, 96);
  EXPECT_EQ(source().format().stride, 256u);
  EXPECT_EQ(source().format().bytes, 256u * 96);
  EXPECT_EQ(source().rate(), (Rate{15, 1}));
}

TEST_F(V4l2FormatTest, WhatIsNotNamedFollows) {
  Make();
  source().SetFormat({.width = 128});
  ExpectFormat("GREY", 128, 96);
  source().SetFormat({.height = 48});
  ExpectFormat("GREY", 64, 48);
  source().SetFormat({.height = 96});
  ExpectFormat("GREY", 128, 96);
}

TEST_F(V4l2FormatTest, RowsKeepThePaddingOfTheDevice) {
  camera().padding = 32;
  Make();
  EXPECT_EQ(source().format().stride, 96u);
  EXPECT_EQ(source().format().bytes, 96u * 48);
}

TEST_F(V4l2FormatTest, ASizeThatThereIsNotIsRefusedWithThoseThatThereAre) {
  Make();
  const std::string text = ErrorOf(EINVAL, [&] { source().SetFormat({.width = 100}); });
  EXPECT_NE(text.find("it makes 64x48, 128x96, 160x96"), std::string::npos) << text;
  ErrorOf(EINVAL, [&] { source().SetFormat({.width = 128, .height = 48}); });
  ExpectFormat("GREY", 64, 48);
}

TEST_F(V4l2FormatTest, ADriverThatBendsASizeIsRefusedToo) {
  camera().sizes = {{64, 48}};
  camera().fourccs = {V4L2_PIX_FMT_GREY};
  Make();
  ErrorOf(EINVAL, [&] { source().SetFormat({.width = 66, .height = 48}); });
  ExpectFormat("GREY", 64, 48);
}

TEST_F(V4l2FormatTest, AFormatThatThereIsNotIsRefusedWithThoseThatThereAre) {
  const std::string text = ErrorOf(EINVAL, [&] { Open(",format=NV12"); });
  EXPECT_NE(text.find("cannot make NV12; it makes GREY, YUYV, MJPG"), std::string::npos) << text;
}

TEST_F(V4l2FormatTest, WhatIsNoCodeAtAllIsRefused) {
  EXPECT_EQ(ErrorOf(EINVAL, [&] { Open(",format=MJPEG"); }),
            "format=MJPEG: is no four-character code");
}

TEST_F(V4l2FormatTest, ARateThatThereIsNotIsRefusedWithThoseThatThereAre) {
  Make();
  const std::string text = ErrorOf(EINVAL, [&] { source().SetRate({25, 1}); });
  EXPECT_NE(text.find("it makes 30, 15"), std::string::npos) << text;
  EXPECT_EQ(source().rate(), (Rate{30, 1}));
}

TEST_F(V4l2FormatTest, RateZeroIsTheFastest) {
  Make(",rate=15");
  source().SetRate({});
  EXPECT_TRUE(source().rate().unlimited());
}

TEST_F(V4l2FormatTest, ACameraWithoutARateOfItsOwnHasNone) {
  camera().rates.clear();
  Make();
  EXPECT_TRUE(source().rate().unlimited());
  EXPECT_NE(ErrorOf(EINVAL,
                    [&] {
                      source().SetRate({30, 1});
                    })
                .find("cannot be set"),
            std::string::npos);
}

TEST_F(V4l2FormatTest, TheRateOfACapturingCameraMayHaveToWait) {
  Start();
  EXPECT_NE(ErrorOf(EBUSY,
                    [&] {
                      source().SetRate({15, 1});
                    })
                .find("stop first"),
            std::string::npos);
}

TEST_F(V4l2FormatTest, ColoursAreTold) {
  Make();
  EXPECT_EQ(source().format().color.colorspace, V4L2_COLORSPACE_SRGB);
}

}  // namespace
}  // namespace grabfs
