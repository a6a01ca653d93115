// SPDX-License-Identifier: Apache-2.0
//
// What goes wrong with USB cameras: damaged pictures, a stream that stands still, a cable that is
// pulled.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "tests/vm/guest/uvc_fixture.h"

namespace grabfs::vm {
namespace {

using mount_test::ReadFile;
using Fault = UvcCamera::Fault;

// --- Faults

// The format, and what is wrong with some of its pictures.
struct Damage {
  const char* name;
  const char* format;
  Fault fault;
};
void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

class UvcDamageTest : public UvcTest, public testing::WithParamInterface<Damage> {
 protected:
  static constexpr unsigned kSpoiled = 3;

  // Captures, with damaged pictures between good ones. Returns what is in frames/ afterwards.
  std::vector<uint32_t> CaptureDamaged(Treatment treatment) {
    TreatDamaged(treatment);
    Start(std::string(",width=320,rate=5,format=") + GetParam().format);
    device().Set("state", "start");
    AwaitFrames(2);
    camera_->Spoil(GetParam().fault, kSpoiled);
    WaitUntil("damaged pictures", [this] { return camera_->spoiled().size() == kSpoiled; });
    const uint32_t good = *camera_->spoiled().rbegin() + 1;
    WaitUntil("good pictures", [&] { return camera_->next() > good + 1; });
    AwaitFrames(1);
    device().Stop();
    ExpectClosedBooks();
    return PresentPictures();
  }
  void ExpectNoneIsSpoiled(const std::vector<uint32_t>& pictures) const {
    const auto spoiled = camera_->spoiled();
    EXPECT_FALSE(pictures.empty());
    for (const uint32_t number : pictures) EXPECT_FALSE(spoiled.contains(number)) << number;
  }
};

TEST_P(UvcDamageTest, WhatTheDriverDeliversIsAnError) {
  const auto pictures = CaptureDamaged(Treatment::kDeliver);
  ExpectNoneIsSpoiled(pictures);
  EXPECT_GE(Counter("failed"), 1U);
  EXPECT_GE(Counter("failed") + Counter("dropped"), kSpoiled);
}

TEST_P(UvcDamageTest, WhatTheDriverThrowsAwayIsDropped) {
  const auto pictures = CaptureDamaged(Treatment::kThrowAway);
  ExpectNoneIsSpoiled(pictures);
  EXPECT_EQ(Counter("failed"), 0U);
  EXPECT_GE(Counter("dropped"), kSpoiled);
}

// Nobody can tell that the end of a compressed picture is missing.
INSTANTIATE_TEST_SUITE_P(All, UvcDamageTest,
                         testing::Values(Damage{"Flagged", "YUYV", Fault::kErrorBit},
                                         Damage{"FlaggedCompressed", "MJPG", Fault::kErrorBit},
                                         Damage{"Short", "YUYV", Fault::kShort}),
                         [](const auto& damage) { return std::string(damage.param.name); });

TEST_F(UvcTest, AnErrorIsAnEvent) {
  TreatDamaged(Treatment::kDeliver);
  Start(",width=320,format=YUYV,rate=15");
  mount_test::EventReader events(device());
  device().Set("state", "start");
  AwaitFrames(1);
  camera_->Spoil(Fault::kErrorBit, 1);
  EXPECT_NE(events.NextOf("error").at("reason").get<std::string>().find("damaged"),
            std::string::npos);
}

TEST_F(UvcTest, AStreamThatStoodStillGoesOn) {
  Start(",width=320,format=YUYV,rate=30");
  device().Set("state", "start");
  AwaitFrames(2);
  camera_->Pause();
  const uint32_t made = camera_->next();
  EXPECT_EQ(device().Get("state"), "streaming");
  camera_->Resume();
  WaitUntil("further pictures", [&] { return camera_->next() > made + 1; });
  AwaitFrames(1);
  device().Stop();
  EXPECT_GE(PresentPictures().back(), made);
  ExpectClosedBooks();
}

// --- The cable

class UvcCableTest : public UvcTest {
 protected:
  static constexpr char kKeys[] = ",width=320,format=YUYV,rate=15";

  // Frames stay with who has them, new ones are refused, and the directory goes in the end.
  void Unplug() {
    const std::string frame = device().Frame(device().Frames().back());
    const auto before = ReadFile(frame);
    {
      const UniqueFd open = mount_test::Open(frame, O_RDONLY);
      const auto mapping = mount_test::MapAndClose(frame);
      camera_->Unplug();
      WaitUntil("the camera to be gone", [this] { return device().Get("state") == "gone"; });
      EXPECT_EQ(device().TrySet("trigger", "1"), ENODEV);
      EXPECT_EQ(device().TrySet("controls/brightness", "1"), ENODEV);
      EXPECT_TRUE(mount_test::ReadAll(open.get()) == before);
      EXPECT_TRUE(std::ranges::equal(mapping.bytes(), before));
    }
    WaitUntil("the directory to go", [this] { return !mount_test::Exists(device().Path("")); });
  }
  // It has its name again, is set up as before, and works.
  void PlugIn(unsigned port) {
    camera_->Plug(port);
    WaitUntil("the camera to come back", [this] { return mount_test::Exists(device().Path("")); });
    EXPECT_EQ(device().Get("width"), "320");
    EXPECT_EQ(device().Get("rate"), "15");
    ExpectExactFrames(2);
  }
};

TEST_F(UvcCableTest, ACameraWithoutASerialNumberComesBackInItsPort) {
  Start(kKeys, {});
  static_cast<void>(device().Capture(1));
  Unplug();
  PlugIn(0);
}

TEST_F(UvcCableTest, SoDoesOneThatIsCapturing) {
  Start(kKeys);
  for (int round = 0; round < 2; ++round) {
    device().Set("state", "start");
    AwaitFrames(2);
    Unplug();
    PlugIn(0);
  }
}

TEST_F(UvcCableTest, BySerialNumberItComesBackInAnotherPort) {
  Start(kKeys, {.serial = "A7"});
  static_cast<void>(device().Capture(1));
  Unplug();
  PlugIn(3);
}

}  // namespace
}  // namespace grabfs::vm
