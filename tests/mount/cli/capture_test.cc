// SPDX-License-Identifier: Apache-2.0
//
// The verbs that look, set, trigger and wait, on a real mount.
#include <signal.h>

#include <set>

#include "tests/mount/cli/cli_fixture.h"

namespace grabfs::mount_test {
namespace {

using CliCaptureTest = CliTest;

TEST_F(CliCaptureTest, CapturePrintsPathsOfFramesThatAreThere) {
  const CommandResult result = Cli({"capture", "-n", "3", "--no-drop"});
  ASSERT_EQ(result.status, kDone) << result.err;
  const std::vector<std::string> paths = Lines(result.out);
  ASSERT_EQ(paths.size(), 3U);
  for (size_t i = 0; i < paths.size(); i++) {
    EXPECT_EQ(paths[i], device().Frame(i));
    EXPECT_TRUE(picture_.IsFrame(ReadFile(paths[i]), i));
  }
}

TEST_F(CliCaptureTest, NoTriggeredFrameIsEverMissed) {
  for (uint64_t sequence = 0; sequence < 50; sequence++) {
    const CommandResult result = Cli({"capture", "--json"});
    ASSERT_EQ(result.status, kDone) << result.err;
    EXPECT_EQ(nlohmann::json::parse(result.out).at("sequence"), sequence);
  }
}

TEST_F(CliCaptureTest, GetPrintsWhatSetTakes) {
  EXPECT_EQ(Cli({"get", "width"}).out, "130\n");
  EXPECT_EQ(Cli({"get", "sim0", "format", "width"}).out, "format=GREY\nwidth=130\n");
  const std::vector<std::string> all = Lines(Cli({"get"}).out);
  ASSERT_GE(all.size(), 6U);
  device().Set("rate", "77");
  std::vector<std::string> back = {"set", "sim0"};
  back.insert(back.end(), all.begin(), all.end());
  const CommandResult set = Cli(back);
  EXPECT_EQ(set.status, kDone) << set.err;
  EXPECT_EQ(Lines(Cli({"get"}).out), all);
}

TEST_F(CliCaptureTest, GetReadsNothingElse) {
  for (const char* key : {"events", "stream.raw", "ring", "frames", "../sim0/rate", "nothing"}) {
    const CommandResult result = Cli({"get", "sim0", key});
    EXPECT_EQ(result.status, kFailed) << key;
    EXPECT_NE(result.err.find("it has no setting"), std::string::npos) << result.err;
  }
}

TEST_F(CliCaptureTest, WaitTellsEveryFrameOfAStreamOnce) {
  device().Set("rate", "500");
  ASSERT_EQ(Cli({"start"}).status, kDone);
  const CommandResult result = Cli({"wait", "--frames", "200", "--timeout", "30"});
  EXPECT_EQ(result.status, kDone) << result.err;
  const std::vector<std::string> paths = Lines(result.out);
  EXPECT_GE(paths.size(), 200U);
  EXPECT_EQ(std::set<std::string>(paths.begin(), paths.end()).size(), paths.size());
  EXPECT_TRUE(std::is_sorted(paths.begin(), paths.end()));
  ASSERT_EQ(Cli({"stop"}).status, kDone);
  EXPECT_EQ(Cli({"wait", "--state", "stopped", "--timeout", "30"}).status, kDone);
  EXPECT_EQ(device().Get("state"), "stopped");
}

TEST_F(CliCaptureTest, WaitForAFrameByItsNumber) {
  device().Set("rate", "200");
  ASSERT_EQ(Cli({"start", "sim0"}).status, kDone);
  const CommandResult result = Cli({"wait", "--sequence", "40", "--timeout", "30"});
  // On a loaded machine the source may have lost just this frame, or it is gone before the command
  // has begun to wait; then it says so.
  if (result.status == kDone) {
    EXPECT_EQ(result.out, device().Frame(40) + "\n");
  } else {
    EXPECT_EQ(result.status, kFailed);
    EXPECT_TRUE(result.err.find("1 frame dropped") != std::string::npos ||
                result.err.find("frame 40 has been and gone") != std::string::npos)
        << result.err;
  }
}

TEST_F(CliCaptureTest, WithNoBufferFreeFramesAreReportedAsDropped) {
  device().Set("rate", "100");
  std::vector<UniqueFd> held;
  for (unsigned i = 0; i < kBuffers; i++) {
    const CommandResult result = Cli({"capture"});
    ASSERT_EQ(result.status, kDone) << result.err;
    held.push_back(Open(Lines(result.out).at(0), O_RDONLY));
  }
  EXPECT_EQ(Cli({"capture", "--no-drop"}).status, kDropped);
  const CommandResult result = Cli({"capture", "-n", "2"});
  EXPECT_EQ(result.status, kFailed);
  EXPECT_NE(result.err.find("2 frames dropped"), std::string::npos) << result.err;
  // As fast as possible, too, a frame that finds no buffer is lost, and that is told.
  device().Set("rate", "0");
  const CommandResult flat_out = Cli({"capture"});
  EXPECT_EQ(flat_out.status, kFailed);
  EXPECT_NE(flat_out.err.find("1 frame dropped"), std::string::npos) << flat_out.err;
}

TEST_F(CliCaptureTest, ARefusedValueComesWithTheDevicesReason) {
  const CommandResult odd = Cli({"set", "width=17"});
  EXPECT_EQ(odd.status, kFailed);
  EXPECT_NE(odd.err.find("sim0: width=17: "), std::string::npos) << odd.err;
  EXPECT_NE(odd.err.find("17"), std::string::npos);
  EXPECT_EQ(device().Get("width"), std::to_string(kWidth));

  ASSERT_EQ(Cli({"set", "sim0", "width=64", "height=32", "format=BGR4", "rate=29.97"}).status,
            kDone);
  EXPECT_EQ(device().Get("stride"), "256");
  EXPECT_EQ(device().Get("rate"), "29.97");

  ASSERT_EQ(Cli({"start"}).status, kDone);
  const CommandResult busy = Cli({"set", "width=32"});
  EXPECT_EQ(busy.status, kFailed);
  EXPECT_NE(busy.err.find("'grabfs-cli stop sim0'"), std::string::npos) << busy.err;
}

TEST_F(CliCaptureTest, ListInfoAndStatsAgreeWithStatusJson) {
  ASSERT_EQ(Cli({"capture", "-n", "6"}).status, kDone);
  const nlohmann::json status = device().Status();
  EXPECT_EQ(nlohmann::json::parse(Cli({"info", "--json"}).out), status);
  const nlohmann::json list = nlohmann::json::parse(Cli({"list", "--json"}).out);
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].at("mountpoint"), mount().path());
  EXPECT_EQ(list[0].at("counters"), status.at("counters"));
  const nlohmann::json stats = nlohmann::json::parse(Cli({"stats", "-i", "0.05", "--json"}).out);
  EXPECT_EQ(stats.at("captured"), 6);
  EXPECT_EQ(stats.at("frames_per_s"), 0);
  const CommandResult info = Cli({"info"});
  EXPECT_NE(info.out.find(DataPathName(ActiveDataPath()) + ": "), std::string::npos) << info.out;
}

TEST_F(CliCaptureTest, WhoWaitsLearnsThatTheDaemonHasDied) {
  Process waiting({CliPath(), "--mount", mount().path(), "wait", "--frames", "1"});
  const std::string events = device().Path(".live/events");
  // It listens once it has the events file open.
  ASSERT_TRUE(WaitUntil([&] {
    return RunShell("ls -l /proc/" + std::to_string(waiting.pid()) + "/fd").out.find(events) !=
           std::string::npos;
  }));
  mount().daemon().Signal(SIGKILL);
  EXPECT_EQ(waiting.Wait(), kNoDevice);
  EXPECT_NE(waiting.err().find("grabfs-cli: "), std::string::npos);
  mount().Abandon();
  Start({{kDevice}, {}});
}

}  // namespace
}  // namespace grabfs::mount_test
