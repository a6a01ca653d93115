// SPDX-License-Identifier: Apache-2.0
//
// What can be turned on a V4L2 camera: names, values as text, ranges and menus.
#include "fusefs/source/v4l2/controls.h"

#include <cerrno>

#include "tests/unit/source/v4l2/rig.h"

namespace grabfs {
namespace {

class V4l2ControlsTest : public V4l2Rig {
 protected:
  std::string Read(const std::string& name) { return source().controls()->Read(name); }
  std::string Describe(const std::string& name) { return source().controls()->Describe(name); }
};

TEST_F(V4l2ControlsTest, AreNamedAsV4l2CtlNamesThem) {
  EXPECT_EQ(ControlName("Brightness"), "brightness");
  EXPECT_EQ(ControlName("White Balance, Auto & Preset"), "white_balance_auto_preset");
  EXPECT_EQ(ControlName("  odd -- (name) "), "odd_name");
  EXPECT_EQ(ControlName("\xc3\xa9"), "");
}

TEST_F(V4l2ControlsTest, EverythingIsListedOnce) {
  Make();
  std::vector<std::string> names;
  for (const auto& control : source().controls()->names()) names.push_back(control.name);
  EXPECT_EQ(names, (std::vector<std::string>{"input", "brightness", "power_line_frequency",
                                             "label_name", "press"}));
}

TEST_F(V4l2ControlsTest, TakeWhatTheyPrint) {
  Make();
  for (const auto& control : source().controls()->names()) {
    source().SetControl(control.name, Read(control.name));
  }
  EXPECT_EQ(Read("brightness"), "10");
  EXPECT_EQ(Read("power_line_frequency"), "50 Hz");
  EXPECT_EQ(Read("label_name"), "front");
  EXPECT_EQ(Read("press"), "");
  EXPECT_EQ(camera().presses, 1);
}

TEST_F(V4l2ControlsTest, NumbersOutOfRangeAreRefusedAndNotBent) {
  Make();
  EXPECT_EQ(ErrorOf(EINVAL, [&] { source().SetControl("brightness", "256"); }),
            "Brightness: 256: must be from 0 to 255");
  for (const char* const value : {"", "ten", "1 2", "-1", "0x", "99999999999999999999"}) {
    EXPECT_NE(ErrorOf(EINVAL, [&] { source().SetControl("brightness", value); }), "") << value;
  }
  source().SetControl("brightness", "0xff");
  EXPECT_EQ(camera().brightness, 255);
}

TEST_F(V4l2ControlsTest, MenusTakeNamesAndNumbers) {
  Make();
  source().SetControl("power_line_frequency", "60 Hz");
  EXPECT_EQ(camera().power_line, 2);
  source().SetControl("power_line_frequency", "0");
  EXPECT_EQ(Read("power_line_frequency"), "Disabled");
  EXPECT_EQ(ErrorOf(EINVAL, [&] { source().SetControl("power_line_frequency", "70 Hz"); }),
            "Power Line Frequency: '70 Hz' is none of 0 (Disabled), 1 (50 Hz), 2 (60 Hz)");
}

TEST_F(V4l2ControlsTest, TextsHaveALength) {
  Make();
  source().SetControl("label_name", "0123456789abcdef");
  EXPECT_EQ(camera().label, "0123456789abcdef");
  ErrorOf(EINVAL, [&] { source().SetControl("label_name", "0123456789abcdefg"); });
}

TEST_F(V4l2ControlsTest, DescribeThemselves) {
  Make();
  EXPECT_EQ(Describe("brightness"),
            "title Brightness\ntype integer\nminimum 0\nmaximum 255\nstep 1\ndefault 128\n");
  EXPECT_EQ(Describe("power_line_frequency"),
            "title Power Line Frequency\ntype menu\ndefault 50 Hz\n"
            "menu 0 Disabled\nmenu 1 50 Hz\nmenu 2 60 Hz\n");
  EXPECT_EQ(Describe("input"), "title Input\ntype menu\nmenu 0 Camera\nmenu 1 Aerial\n");
  EXPECT_EQ(Describe("press"), "title Press\ntype button\n");
}

TEST_F(V4l2ControlsTest, DigitalSignalsHaveTimings) {
  camera().digital = true;
  Make();
  EXPECT_EQ(Read("dv_timings"), "1920x1080i50");
  EXPECT_EQ(Describe("dv_timings"),
            "title DV Timings\ntype menu\nmenu 0 1280x720p60\nmenu 1 1920x1080i50\n"
            "menu 2 1680x1050p59.88-rb\ndetected 1280x720p60\n");
  source().SetControl("dv_timings", "1680x1050p59.88-rb");
  EXPECT_EQ(source().format().width, 1680u);
  source().SetControl("dv_timings", "auto");
  EXPECT_EQ(Read("dv_timings"), "1280x720p60");
  EXPECT_EQ(source().format().height, 720u);
}

TEST_F(V4l2ControlsTest, WhereThereIsNoSignalThereIsNothingToFollow) {
  camera().digital = true;
  camera().signal = false;
  Make();
  EXPECT_EQ(ErrorOf(ENOLINK, [&] { source().SetControl("dv_timings", "auto"); }),
            "dv_timings: there is no signal");
  EXPECT_NE(Describe("dv_timings").find("detected none\n"), std::string::npos);
  ErrorOf(EINVAL, [&] { source().SetControl("dv_timings", "640x480p1"); });
}

TEST_F(V4l2ControlsTest, AnotherInputBringsAnotherFormat) {
  Make();
  source().SetControl("input", "Aerial");
  EXPECT_EQ(source().format().width, 128u);
  EXPECT_EQ(Read("input"), "Aerial");
}

TEST_F(V4l2ControlsTest, TheInputOfACapturingCameraStays) {
  Start();
  EXPECT_EQ(ErrorOf(EBUSY, [&] { source().SetControl("input", "1"); }),
            "input: cannot be changed while the device streams");
}

TEST_F(V4l2ControlsTest, TheCommandLineSetsThemBeforeTheFormat) {
  Make(",width=160,brightness=99,input=Aerial");
  EXPECT_EQ(camera().brightness, 99);
  EXPECT_EQ(camera().input, 1);
  EXPECT_EQ(source().format().width, 160u);
}

TEST_F(V4l2ControlsTest, OneThatThereIsNotIsRefused) {
  Make();
  EXPECT_EQ(ErrorOf(ENOENT, [&] { source().SetControl("sharpness", "1"); }),
            "sharpness: the device has no such control");
}

}  // namespace
}  // namespace grabfs
