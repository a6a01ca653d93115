// SPDX-License-Identifier: Apache-2.0
//
// `grabfs-cli each`: commands for frames, on a real mount.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/mount/cli/cli_fixture.h"

namespace grabfs::mount_test {
namespace {

class CliEachTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    if (IsSkipped()) return;
    place_ = MakeScratchDirectory("each");
    device().Set("rate", "50");
    device().Set("state", "start");
  }
  [[nodiscard]] std::string Scratch(const std::string& name) const { return place_ + "/" + name; }

  std::string place_;
};

TEST_F(CliEachTest, TheFileIsTheFrameOfItsNumber) {
  const CommandResult result = Cli({"each", "-n", "5", "--", "cp", "{raw}", Scratch("%06d.raw")});
  ASSERT_EQ(result.status, kDone) << result.err;
  EXPECT_EQ(result.out + result.err, "");
  const std::vector<std::string> files = List(place_);
  ASSERT_EQ(files.size(), 5U);
  for (const std::string& file : files) {
    EXPECT_TRUE(picture_.IsFrame(ReadFile(Scratch(file)), std::stoull(file))) << file;
  }
}

TEST_F(CliEachTest, EveryFrameOnceAndInOrder) {
  const CommandResult result = Cli({"each", "--every", "-n", "40", "--json", "--", "true"});
  ASSERT_EQ(result.status, kDone) << result.err;
  std::vector<uint64_t> sequences;
  for (const std::string& line : Lines(result.out)) {
    sequences.push_back(nlohmann::json::parse(line).at("sequence"));
  }
  ASSERT_EQ(sequences.size(), 40U);
  // A machine that is too slow for 50 frames/s loses some, and says so.
  if (result.err.empty()) {
    EXPECT_EQ(sequences.back() - sequences.front(), 39U);
  }
  EXPECT_TRUE(std::ranges::is_sorted(sequences));
}

// A slow command has its frame until its end, while the camera goes on.
TEST_F(CliEachTest, TheFrameIsHeldAsLongAsItsCommandRuns) {
  const std::string script = CliPath() + " wait --mount " + mount().path() + " -n 40 > " +
                             Scratch("waited") + " && cp \"$0\" " + Scratch("late.raw") +
                             " && basename \"$0\" > " + Scratch("name");
  const CommandResult result = Cli({"each", "-n", "1", "--", "sh", "-c", script, "{raw}"});
  ASSERT_EQ(result.status, kDone) << result.err;
  const uint64_t sequence = std::stoull(ReadText(Scratch("name")));
  EXPECT_TRUE(picture_.IsFrame(ReadFile(Scratch("late.raw")), sequence));
}

TEST_F(CliEachTest, SeveralAtATimeHaveAFrameEach) {
  const std::string started = Scratch("started-");
  // Each waits until both have started. (No more can be held of this device's buffers.)
  const std::string script = "touch " + started + "%d; while [ $(ls " + place_ +
                             " | grep -c started) -lt 2 ]; do sleep 0.01; done";
  const CommandResult result =
      Cli({"each", "--jobs", "2", "-n", "2", "--timeout", "60", "--", "sh", "-c", script, "{raw}"});
  EXPECT_EQ(result.status, kDone) << result.err;
  EXPECT_EQ(List(place_).size(), 2U);
}

TEST_F(CliEachTest, ACommandThatFailsEndsItUnlessItGoesOn) {
  const CommandResult first = Cli({"each", "-n", "3", "--", "sh", "-c", "exit 7"});
  EXPECT_EQ(first.status, kFailed);
  EXPECT_NE(first.err.find("sh ended with status 7"), std::string::npos) << first.err;
  EXPECT_EQ(Lines(first.err).size(), 1U) << first.err;
  const CommandResult all = Cli({"each", "-n", "3", "--keep-going", "--", "sh", "-c", "exit 7"});
  EXPECT_EQ(all.status, kFailed);
  EXPECT_NE(all.err.find("3 of 3 commands failed"), std::string::npos) << all.err;
}

TEST_F(CliEachTest, WhatCannotBeStartedOrIsNoCommandIsTold) {
  const CommandResult missing = Cli({"each", "--", "no-such-program"});
  EXPECT_EQ(missing.status, kFailed);
  EXPECT_NE(missing.err.find("no-such-program: cannot be started"), std::string::npos);
  EXPECT_EQ(Cli({"each"}).status, kUsage);
  EXPECT_EQ(Cli({"each", "-j", "0", "--", "true"}).status, kUsage);
  EXPECT_EQ(Cli({"each", "cam7", "--", "true"}).status, kNoDevice);
}

TEST_F(CliEachTest, WithoutFramesItEndsAfterItsTime) {
  device().Stop();
  const CommandResult result = Cli({"each", "--timeout", "0.2", "--", "true"});
  EXPECT_EQ(result.status, kTimeout);
  EXPECT_NE(result.err.find("the device is stopped"), std::string::npos) << result.err;
}

// More commands than frames may be held: the others wait their turn.
TEST_F(CliEachTest, MoreJobsThanBuffersLoseNothingThatIsNotTold) {
  const CommandResult result =
      Cli({"each", "--every", "-j", "64", "-n", "30", "--json", "--", "sh", "-c", "sleep 0.05"});
  EXPECT_EQ(result.status, kDone) << result.err;
  EXPECT_EQ(Lines(result.out).size(), 30U);
}

}  // namespace
}  // namespace grabfs::mount_test
