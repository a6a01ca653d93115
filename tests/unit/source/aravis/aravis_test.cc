// SPDX-License-Identifier: Apache-2.0
//
// What only cameras by Aravis have, on its simulator of a network camera.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>

#include "fusefs/base/clock.h"
#include "tests/unit/source/aravis/rig.h"
#include "tests/unit/source/aravis/simulator.h"
#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

using Kind = Completion::Kind;

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class AravisTest : public testing::Test {
 protected:
  std::optional<Simulator> simulator_{std::in_place};
};

// --- Names

TEST_F(AravisTest, IsFoundByIdSerialAddressOrAsTheFirst) {
  for (const char* name :
       {"aravis:Aravis-Fake-GV01", "aravis:GV01", "aravis:127.0.0.1", "aravis:", "aravis"}) {
    SCOPED_TRACE(name);
    const auto source = MakeAravisFrom(name);
    EXPECT_EQ(source->description(), "aravis:Aravis-Fake-GV01");
    EXPECT_EQ(source->Settings().at("serial"), "GV01");
    EXPECT_EQ(source->Settings().at("address"), "127.0.0.1");
    EXPECT_EQ(source->Settings().at("protocol"), "GigEVision");
  }
}

TEST_F(AravisTest, AnUnknownNameIsAnsweredWithThoseThatAreThere) {
  const std::string said = ErrorOf(ENODEV, [] { MakeAravisFrom("aravis:GV02"); });
  EXPECT_TRUE(Contains(said, "Aravis-Fake-GV01 (serial GV01, 127.0.0.1)")) << said;
  simulator_.reset();
  EXPECT_TRUE(Contains(ErrorOf(ENODEV, [] { MakeAravisFrom("aravis:"); }), "no camera answers"));
}

TEST_F(AravisTest, ACameraThatAnotherProgramControlsIsBusy) {
  const auto first = MakeAravisFrom("aravis:GV01");
  EXPECT_TRUE(Contains(ErrorOf(EBUSY, [] { MakeAravisFrom("aravis:GV01"); }), "another program"));
}

TEST_F(AravisTest, ImpossibleKeysAreRefusedByName) {
  for (const char* key : {"packet_size=7", "resend=perhaps", "socket_buffer=much", "realtime=100",
                          "nice=-21", "packet_timeout_ms=0", "trigger=hardware", "rate=100000"}) {
    const std::string said =
        ErrorOf(EINVAL, [&] { MakeAravisFrom(std::string("aravis:GV01,") + key); });
    EXPECT_TRUE(Contains(said, std::string(key).substr(0, std::string(key).find('=')))) << said;
  }
}

// --- Format and rate

TEST_F(AravisTest, FormatsAreTheCamerasOwn) {
  Rig rig(MakeAravisFrom("aravis:GV01,format=RGB3,width=320,height=200,rate=100"));
  EXPECT_EQ(rig->format(), MakeFrameFormat(kRgb3, 320, 200));
  EXPECT_EQ(rig->rate(), (Rate{100, 1}));
  EXPECT_EQ(rig->Settings().at("pixel_format"), "RGB8");
  rig->Start(0);
  const Completion frame = rig.Next();
  EXPECT_EQ(frame.kind, Kind::kFrame) << frame.reason;
  EXPECT_EQ(frame.bytes_used, 3u * 320 * 200);
}

TEST_F(AravisTest, WhatTheCameraCannotMakeIsRefusedAndChangesNothing) {
  const auto source = MakeAravisFrom("aravis:GV01");
  const FrameFormat before = source->format();
  const std::string formats = ErrorOf(EINVAL, [&] { source->SetFormat({.fourcc = kYuyv}); });
  EXPECT_TRUE(Contains(formats, "YUYV")) << formats;
  EXPECT_TRUE(Contains(formats, "RGB3 (RGB8)")) << formats;
  const std::string sizes = ErrorOf(EINVAL, [&] { source->SetFormat({.width = 5000}); });
  EXPECT_TRUE(Contains(sizes, "width 5000: must be from 1 to 2048")) << sizes;
  const std::string rates = ErrorOf(EINVAL, [&] { source->SetRate({5000, 1}); });
  EXPECT_TRUE(Contains(rates, "rate 5000: must be from 0.1 to 1000")) << rates;
  EXPECT_EQ(source->format(), before);
  EXPECT_EQ(source->rate(), (Rate{25, 1}));
}

// --- Frames

TEST_F(AravisTest, AFrameHasBothClocks) {
  Rig rig(MakeAravisFrom("aravis:GV01,rate=100"));
  rig->Start(0);
  const uint64_t wall = RealtimeNs();
  const Completion frame = rig.Next();
  const uint64_t now = MonotonicNs();
  ASSERT_EQ(frame.kind, Kind::kFrame) << frame.reason;
  EXPECT_LE(frame.timestamp_ns, frame.origin.received_ns);
  EXPECT_LE(frame.origin.received_ns, now);
  // The simulator's clock is the machine's.
  EXPECT_GE(frame.origin.device_ns, wall - kNsPerSecond);
  EXPECT_LE(frame.origin.device_ns, RealtimeNs());
}

// Its numbers say what became of each frame that the camera sent, whatever got lost on the way.
TEST_F(AravisTest, LostPacketsAreFailedFramesAndTheBooksAreExact) {
  simulator_.reset();
  simulator_.emplace(/*lost=*/0.002);
  Rig rig(MakeAravisFrom("aravis:GV01,rate=200,packet_size=1400,frame_retention_ms=20"), 8);
  rig->Start(0);
  uint64_t good = 0;
  uint64_t failed = 0;
  uint64_t gaps = 0;
  const uint64_t first = rig.Next().sequence + 1;
  uint64_t expected = first;
  for (int i = 0; i < 400; ++i) {
    const Completion completion = rig.Next();
    ASSERT_GE(completion.sequence, expected);
    gaps += completion.sequence - expected;
    expected = completion.sequence + 1;
    if (completion.kind == Kind::kFrame) {
      ++good;
      const auto bytes = rig.buffer(completion.buffer).bytes();
      EXPECT_TRUE(IsDiagonalRamp(reinterpret_cast<const uint8_t*>(bytes.data()), 512, 512));
    } else {
      ASSERT_EQ(completion.kind, Kind::kError);
      EXPECT_TRUE(Contains(completion.reason, "packets")) << completion.reason;
      ++failed;
    }
  }
  // Of 190 packets of a frame one in 500 is lost: a third of all frames.
  EXPECT_EQ(good + failed + gaps, expected - first);
  EXPECT_GT(good, 50u);
  EXPECT_GT(failed, 20u);
  EXPECT_GE(std::stoull(rig->Settings().at("stream_failed")), failed);
}

TEST_F(AravisTest, ALimitedCaptureTriggersTheCameraItself) {
  Rig rig(MakeAravisFrom("aravis:GV01,rate=500"), 4);
  rig->Start(3);
  for (int i = 0; i < 3; ++i) {
    const Completion frame = rig.Next();
    EXPECT_EQ(frame.kind, Kind::kFrame) << frame.reason;
    EXPECT_EQ(simulator_->Register(ARV_FAKE_CAMERA_REGISTER_TRIGGER_MODE), 1u);
  }
  // It would have made hundreds by itself.
  EXPECT_EQ(rig->Dequeue(), std::nullopt);
  EXPECT_FALSE(rig.Wait(300));
  rig->Stop();
  EXPECT_EQ(simulator_->Register(ARV_FAKE_CAMERA_REGISTER_TRIGGER_MODE), 0u) << "as it was";
}

TEST_F(AravisTest, ALimitedCaptureMayLeaveTheTriggerToTheCamera) {
  Rig rig(MakeAravisFrom("aravis:GV01,rate=100,trigger=camera"), 4);
  rig->Start(2);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(rig.Next().kind, Kind::kFrame);
  EXPECT_EQ(simulator_->Register(ARV_FAKE_CAMERA_REGISTER_TRIGGER_MODE), 0u);
}

// --- Controls

TEST_F(AravisTest, FeaturesAreControlsWithRangesMenusAndUnits) {
  const auto source = MakeAravisFrom("aravis:GV01");
  const auto controls = source->controls();
  std::set<std::string> names;
  for (const auto& control : controls->names()) names.insert(control.name);
  for (const char* name :
       {"ExposureTimeAbs", "PixelFormat", "OffsetX", "TriggerSoftware", "DeviceVendorName"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  EXPECT_FALSE(names.contains("AcquisitionStart")) << "that is the daemon's";

  source->SetControl("ExposureTimeAbs", "5000");
  EXPECT_EQ(controls->Read("ExposureTimeAbs"), "5000");
  const std::string exposure = controls->Describe("ExposureTimeAbs");
  EXPECT_TRUE(Contains(exposure, "type float\n")) << exposure;
  EXPECT_TRUE(Contains(exposure, "minimum 10\nmaximum 1e+07\n")) << exposure;
  const std::string high = ErrorOf(EINVAL, [&] { source->SetControl("ExposureTimeAbs", "1"); });
  EXPECT_TRUE(Contains(high, "must be from 10 to 1e+07")) << high;
  EXPECT_NE(ErrorOf(EINVAL, [&] { source->SetControl("ExposureTimeAbs", "long"); }), "");

  const std::string format = controls->Describe("PixelFormat");
  EXPECT_TRUE(Contains(format, "type menu\n")) << format;
  EXPECT_TRUE(Contains(format, "menu 17301505 Mono8\n")) << format;
  const std::string menu = ErrorOf(EINVAL, [&] { source->SetControl("PixelFormat", "Mono9"); });
  EXPECT_TRUE(Contains(menu, "Mono16")) << menu;
  EXPECT_NE(ErrorOf(EACCES, [&] { source->SetControl("DeviceVendorName", "me"); }), "");
  EXPECT_EQ(controls->Read("TriggerSoftware"), "");
}

TEST_F(AravisTest, AControlMayChangeTheFormatButNotWhileItCaptures) {
  Rig rig(MakeAravisFrom("aravis:GV01"));
  rig->SetControl("PixelFormat", "Mono16");
  EXPECT_EQ(rig->format(), MakeFrameFormat(kY16, 512, 512));
  rig->SetControl("Width", "256");
  EXPECT_EQ(rig->format(), MakeFrameFormat(kY16, 256, 512));
  rig.Rebind();
  rig->Start(0);
  EXPECT_NE(ErrorOf(EBUSY, [&] { rig->SetControl("Width", "512"); }), "");
  rig->SetControl("ExposureTimeAbs", "20000");
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
}

// --- Gone

TEST_F(AravisTest, ACameraThatCameBackIsTakenAgain) {
  {
    Rig rig(MakeAravisFrom("aravis:GV01,rate=100"));
    rig->Start(0);
    EXPECT_EQ(rig.Next().kind, Kind::kFrame);
    simulator_.reset();
    Completion last = rig.Next();
    while (last.kind != Kind::kGone) last = rig.Next();
    EXPECT_NE(last.reason, "");
    // At once: what a camera would have answered cannot be waited for.
    const uint64_t begin = MonotonicNs();
    EXPECT_NE(ErrorOf(ENODEV, [&] { (void)rig->controls()->Read("ExposureTimeAbs"); }), "");
    EXPECT_LT(MonotonicNs() - begin, kNsPerSecond);
  }
  simulator_.emplace();
  Rig rig(MakeAravisFrom("aravis:GV01"));
  rig->Start(0);
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
}

}  // namespace
}  // namespace grabfs
