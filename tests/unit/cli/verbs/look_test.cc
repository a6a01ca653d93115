// SPDX-License-Identifier: Apache-2.0
//
// The verbs that look and set: list, info, set, start, stop, stats.
#include <gmock/gmock.h>

#include "tests/unit/cli/fake_mount.h"

namespace grabfs::cli {
namespace {

using Look = FakeMount;
using nlohmann::json;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(Look, ListShowsEveryDeviceOnALine) {
  AddDevice("cam0", MakeFrameFormat(kBgr4, 640, 480));
  AddDevice("sim0").Patch({{"state", "streaming"}, {"counters", {{"present", 3}}}});
  ASSERT_EQ(Cli({"list"}), ExitCode::kDone) << Err();
  EXPECT_THAT(Out(), HasSubstr("cam0    stopped    BGR4    640x480"));
  EXPECT_THAT(Out(), HasSubstr("sim0    streaming  GREY    32x16"));
  EXPECT_EQ(CountLines(Out()), 3U);
}

TEST_F(Look, ListInJsonTellsTheMountPoint) {
  AddDevice("cam0");
  ASSERT_EQ(Cli({"list", "--json"}), ExitCode::kDone) << Err();
  const json all = json::parse(Out());
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0]["name"], "cam0");
  EXPECT_EQ(all[0]["mountpoint"], root().string());
}

TEST_F(Look, InfoTellsWhatStatusJsonTells) {
  FakeDevice& device = AddDevice("sim0");
  device.Capture();
  device.Patch({{"last_error", "width 17 is odd"},
                {"last_error_realtime_ns", 1'000'000'000'000'000'000},
                {"settings", {{"board", 2}}}});
  ASSERT_EQ(Cli({"info", "sim0"}), ExitCode::kDone) << Err();
  EXPECT_THAT(Out(), HasSubstr("GREY 32x16, stride 32, 512 B a frame"));
  EXPECT_THAT(Out(), HasSubstr("frames      1, 0 to 0\n"));
  EXPECT_THAT(Out(), HasSubstr("1 captured = 0 delivered + 0 recycled"));
  EXPECT_THAT(Out(), HasSubstr("passthrough: the kernel supports it"));
  EXPECT_THAT(Out(), HasSubstr("board=2"));
  EXPECT_THAT(Out(), ContainsRegex("last error  2001-09-.. ..:46:40: width 17 is odd\n"));
  ASSERT_EQ(Cli({"info", "--json"}), ExitCode::kDone) << Err();
  EXPECT_EQ(json::parse(Out()), device.status());
}

TEST_F(Look, SetWritesEachAttributeWithOrWithoutADevice) {
  FakeDevice& device = AddDevice("sim0");
  ASSERT_EQ(Cli({"set", "sim0", "format=RGB3", "width=640"}), ExitCode::kDone) << Err();
  EXPECT_EQ(ReadText(device.directory() / "format"), "RGB3\n");
  EXPECT_EQ(ReadText(device.directory() / "width"), "640\n");
  ASSERT_EQ(Cli({"set", "rate=29.97", "height=480"}), ExitCode::kDone) << Err();
  EXPECT_EQ(ReadText(device.directory() / "rate"), "29.97\n");
  EXPECT_EQ(ReadText(device.directory() / "height"), "480\n");
  EXPECT_EQ(Out(), "");
}

TEST_F(Look, SetWritesControlsToo) {
  const std::filesystem::path controls = AddDevice("cam0").directory() / "controls";
  std::filesystem::create_directory(controls);
  WriteText(controls / "brightness", "1\n");
  ASSERT_EQ(Cli({"set", "brightness=128", "rate=15"}), ExitCode::kDone) << Err();
  EXPECT_EQ(ReadText(controls / "brightness"), "128\n");
}

TEST_F(Look, SetOfAnUnknownAttributeFails) {
  AddDevice("sim0");
  EXPECT_EQ(Cli({"set", "colour=red"}), ExitCode::kFailed);
  EXPECT_THAT(Err(), HasSubstr("sim0: it has no setting 'colour';"));
  EXPECT_EQ(Cli({"set", "widht=7"}), ExitCode::kFailed);
  EXPECT_THAT(Err(), HasSubstr("did you mean 'width'?"));
}

TEST_F(Look, SetIsAllOrNothing) {
  FakeDevice& device = AddDevice("sim0");
  const std::string before = ReadText(device.directory() / "width");
  EXPECT_EQ(Cli({"set", "width=1", "height=2", "colour=red"}), ExitCode::kFailed);
  EXPECT_THAT(Err(), HasSubstr("(nothing was changed)"));
  EXPECT_EQ(ReadText(device.directory() / "width"), before);
}

TEST_F(Look, WithoutAMountTheListIsEmptyToPrograms) {
  environment().clear();
  context().system.proc = Scratch("proc");
  std::filesystem::create_directories(Scratch("proc/self"));
  WriteText(Scratch("proc/self/mountinfo"), "22 1 0:20 / /sys rw - sysfs sysfs rw\n");
  EXPECT_EQ(Cli({"list", "--json"}), ExitCode::kDone) << Err();
  EXPECT_EQ(json::parse(Out()), json::array());
  EXPECT_EQ(Cli({"list"}), ExitCode::kNoDevice);
}

TEST_F(Look, StartAndStopWriteTheState) {
  FakeDevice& device = AddDevice("sim0");
  device.Obey([](FakeDevice& self, const std::string& attribute, const std::string& value) {
    EXPECT_EQ(attribute, "state");
    const std::string state = value == "start" ? "streaming" : "stopped";
    self.Patch({{"state", state}});
    self.Announce({{"event", "state"}, {"device", "sim0"}, {"state", state}});
  });
  ASSERT_EQ(Cli({"start", "--rate", "60"}), ExitCode::kDone) << Err();
  EXPECT_EQ(ReadText(device.directory() / "rate"), "60\n");
  EXPECT_EQ(Cli({"wait", "--state", "streaming", "--timeout", "5"}), ExitCode::kDone) << Err();
  ASSERT_EQ(Cli({"stop", "sim0"}), ExitCode::kDone) << Err();
  EXPECT_EQ(Cli({"wait", "--state", "stopped", "--timeout", "5"}), ExitCode::kDone) << Err();
}

TEST_F(Look, StatsTellGrowthPerSecond) {
  FakeDevice& device = AddDevice("sim0");
  std::jthread growth([&](const std::stop_token& stop) {
    for (uint64_t n = 0; !stop.stop_requested(); ++n) {
      device.Patch({{"counters", {{"captured", 10 * n}, {"dropped", n}}}});
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  ASSERT_EQ(Cli({"stats", "-i", "0.05", "-n", "3", "--json"}), ExitCode::kDone) << Err();
  const auto objects = OutObjects();
  ASSERT_EQ(objects.size(), 3U);
  for (const json& object : objects) {
    EXPECT_GE(object["interval_s"], 0.05);
    EXPECT_NEAR(object["frames_per_s"].get<double>(), 9 * object["dropped_per_s"].get<double>(),
                1e-6 * object["frames_per_s"].get<double>());
    EXPECT_GT(object["frames_per_s"], 0);
  }
}

TEST_F(Look, StatsAreATableOfAllDevices) {
  AddDevice("cam0");
  AddDevice("sim0");
  ASSERT_EQ(Cli({"stats", "-i", "0.01"}), ExitCode::kDone) << Err();
  EXPECT_THAT(Out(), HasSubstr("DEVICE  STATE"));
  EXPECT_THAT(Out(), HasSubstr("\ncam0 "));
  EXPECT_THAT(Out(), HasSubstr("\nsim0 "));
}

}  // namespace
}  // namespace grabfs::cli
