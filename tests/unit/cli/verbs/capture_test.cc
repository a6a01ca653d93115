// SPDX-License-Identifier: Apache-2.0
//
// The verbs that wait for frames: capture, trigger, wait.
#include <gmock/gmock.h>

#include <future>

#include "cli/base/text.h"
#include "tests/unit/cli/fake_mount.h"

namespace grabfs::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class Capture : public FakeMount {
 protected:
  FakeDevice& device_ = AddDevice("sim0");

  // For each triggered frame calls `make`.
  void OnTrigger(std::function<void(FakeDevice&)> make) {
    device_.Obey(
        [make](FakeDevice& device, const std::string& attribute, const std::string& value) {
          if (attribute != "trigger") return;
          for (uint64_t i = 0; i < ParseCount(value).value_or(0); ++i) make(device);
        });
  }

  [[nodiscard]] std::string FrameLine(uint64_t sequence) const {
    return device_.FramePath(sequence).string() + "\n";
  }
};

TEST_F(Capture, PrintsThePathsOfTheFrames) {
  OnTrigger([](FakeDevice& device) { device.Capture(); });
  ASSERT_EQ(Cli({"capture"}), ExitCode::kDone) << Err();
  EXPECT_EQ(Out(), FrameLine(0));
  ASSERT_EQ(Cli({"capture", "sim0", "-n", "3"}), ExitCode::kDone) << Err();
  EXPECT_EQ(Out(), FrameLine(1) + FrameLine(2) + FrameLine(3));
  EXPECT_EQ(Err(), "");
}

TEST_F(Capture, InJsonEachFrameIsAnObject) {
  OnTrigger([](FakeDevice& device) { device.Capture(); });
  ASSERT_EQ(Cli({"capture", "-n", "2", "--json"}), ExitCode::kDone) << Err();
  const auto frames = OutObjects();
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[1]["sequence"], 1);
  EXPECT_EQ(frames[1]["timestamp_ns"], 1001);
  EXPECT_EQ(frames[1]["file"], device_.FramePath(1).string());
}

TEST_F(Capture, DropsAreReportedAndOnRequestAFailure) {
  const auto every_other_one = [](FakeDevice& device) {
    if (device.Next() % 2 == 0) {
      device.Capture();
    } else {
      device.Lose("drop", "no free buffer");
    }
  };
  OnTrigger(every_other_one);
  EXPECT_EQ(Cli({"capture", "-n", "4"}), ExitCode::kDone);
  EXPECT_EQ(Out(), FrameLine(0) + FrameLine(2));
  EXPECT_EQ(Err(), "grabfs-cli: sim0: 2 frames dropped (no free buffer)\n");
  EXPECT_EQ(Cli({"capture", "-n", "2", "--no-drop"}), ExitCode::kDropped);
}

TEST_F(Capture, QuietlyOnlyWhatIsAnErrorIsReported) {
  OnTrigger([](FakeDevice& device) {
    device.Next() % 2 == 0 ? void(device.Capture()) : device.Lose("drop", "no free buffer");
  });
  EXPECT_EQ(Cli({"capture", "-n", "2", "--quiet"}), ExitCode::kDone);
  EXPECT_EQ(Out(), FrameLine(0)) << "data is printed as ever";
  EXPECT_EQ(Err(), "");
  EXPECT_EQ(Cli({"-q", "capture", "-n", "2"}), ExitCode::kDone);
  EXPECT_EQ(Err(), "");
  EXPECT_EQ(Cli({"--quiet", "capture", "-n", "2", "--no-drop"}), ExitCode::kDropped);
  EXPECT_THAT(Err(), HasSubstr("1 frame dropped"));
  EXPECT_EQ(Cli({"capture", "-n", "2"}), ExitCode::kDone);
  EXPECT_THAT(Err(), HasSubstr("1 frame dropped")) << "not for ever";
}

TEST_F(Capture, NotASingleFrameIsAFailure) {
  OnTrigger([](FakeDevice& device) { device.Lose("error", "bus error"); });
  EXPECT_EQ(Cli({"capture", "-n", "2"}), ExitCode::kFailed);
  EXPECT_EQ(Err(), "grabfs-cli: sim0: 2 frames failed (bus error)\n");
}

TEST_F(Capture, SilenceIsATimeOutThatSaysWhatMayBeWrong) {
  EXPECT_EQ(Cli({"capture", "--timeout", "0.02"}), ExitCode::kTimeout);
  EXPECT_THAT(Err(), HasSubstr("sim0: 0 of 1 frame"));
  device_.Patch({{"policy", "keep-oldest"}, {"buffers", {{"free", 0}, {"ready", 8}}}});
  EXPECT_EQ(Cli({"capture", "--timeout", "0.02"}), ExitCode::kTimeout);
  EXPECT_THAT(Err(), HasSubstr("keep-oldest: remove frames"));
}

TEST_F(Capture, AStreamingDeviceIsNotTriggered) {
  device_.Patch({{"state", "streaming"}});
  EXPECT_EQ(Cli({"capture"}), ExitCode::kFailed);
  EXPECT_THAT(Err(), HasSubstr("it is streaming"));
}

TEST_F(Capture, AnUnpluggedDeviceIsGone) {
  OnTrigger([](FakeDevice& device) { device.Unplug(); });
  EXPECT_EQ(Cli({"capture"}), ExitCode::kNoDevice);
  EXPECT_THAT(Err(), HasSubstr("sim0: the device has gone away"));
}

TEST_F(Capture, TriggerDoesNotWait) {
  std::promise<std::string> written;
  device_.Obey(
      [&](FakeDevice&, const std::string&, const std::string& value) { written.set_value(value); });
  ASSERT_EQ(Cli({"trigger", "-n", "4"}), ExitCode::kDone) << Err();
  EXPECT_EQ(written.get_future().get(), "4");
}

TEST_F(Capture, WaitCountsFramesThatComeByThemselves) {
  std::jthread camera([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      device_.Capture();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  ASSERT_EQ(Cli({"wait", "--frames", "3", "--timeout", "10"}), ExitCode::kDone) << Err();
  EXPECT_EQ(CountLines(Out()), 3U);
}

TEST_F(Capture, WaitForASequenceNumberTakesThePastIntoAccount) {
  device_.Capture();
  device_.Capture();
  ASSERT_EQ(Cli({"wait", "--sequence", "1"}), ExitCode::kDone) << Err();
  EXPECT_EQ(Out(), FrameLine(1));
  device_.Recycle(0);
  EXPECT_EQ(Cli({"wait", "--sequence", "0"}), ExitCode::kFailed);
  EXPECT_THAT(Err(), HasSubstr("frame 0 has been and gone; the next is 2"));
}

TEST_F(Capture, WaitForASequenceNumberThatIsLost) {
  std::jthread camera([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      device_.Next() % 5 == 4 ? device_.Lose("drop", "full") : void(device_.Capture());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  EXPECT_EQ(Cli({"wait", "--sequence", "1004", "--timeout", "0.05"}), ExitCode::kTimeout);
  EXPECT_THAT(Err(), HasSubstr("frame 1004 did not come"));
  const uint64_t dropped = device_.Next() / 5 * 5 + 9;
  EXPECT_EQ(Cli({"wait", "--sequence", std::to_string(dropped)}), ExitCode::kFailed);
  EXPECT_THAT(Err(), HasSubstr("1 frame dropped (full)"));
}

}  // namespace
}  // namespace grabfs::cli
