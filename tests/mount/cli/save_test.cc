// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli save on a real mount: what is saved is a frame, whole, whatever else happens.
#include <signal.h>

#include <filesystem>
#include <string>

#include "tests/mount/cli/cli_fixture.h"

namespace grabfs::mount_test {
namespace {

class CliSaveTest : public CliTest {
 protected:
  // Every raw file in `place` is the frame whose number its name is, and there is nothing else.
  static void ExpectOnlyWholeFrames(const std::string& place, size_t at_least,
                                    const Picture& picture) {
    const std::vector<std::string> names = List(place);
    EXPECT_GE(names.size(), at_least);
    for (const std::string& name : names) {
      ASSERT_TRUE(name.ends_with(".raw")) << name;
      EXPECT_TRUE(picture.IsFrame(ReadFile(place + "/" + name), std::stoull(name))) << name;
    }
  }

  // The newest frame as FILE, by every format, must hold these samples at its end.
  static std::string Tail(const std::string& file, size_t length) {
    const std::string text = ReadText(file);
    return text.size() < length ? text : text.substr(text.size() - length);
  }

  std::string place_;
  void SetUp() override {
    CliTest::SetUp();
    if (!IsSkipped()) place_ = MakeScratchDirectory("saved");
  }
};

TEST_F(CliSaveTest, EveryFormatHoldsThePixelsOfTheFrame) {
  ASSERT_EQ(Cli({"capture"}).status, kDone);
  const std::string pixels = ReadText(device().latest());
  ASSERT_EQ(Cli({"save", "-o", place_ + "/a.raw"}).status, kDone);
  EXPECT_EQ(ReadText(place_ + "/a.raw"), pixels);
  ASSERT_EQ(Cli({"save", "-o", place_ + "/a.pgm"}).status, kDone);
  EXPECT_EQ(ReadText(place_ + "/a.pgm"), "P5\n130 94\n255\n" + pixels);
  const CommandResult piped = RunShell(CliPath() + " save --mount " + mount().path() +
                                       " -o - | cmp - " + device().latest());
  EXPECT_EQ(piped.status, 0) << piped.out << piped.err;
  ASSERT_EQ(Cli({"save", "-o", place_ + "/a.png"}).status, kDone);
  EXPECT_EQ(ReadText(place_ + "/a.png").substr(1, 3), "PNG");
  for (const std::string form : {"pnm", "tiff", "npy", "bmp"}) {
    ASSERT_EQ(Cli({"save", "-o", place_ + "/a." + form}).status, kDone);
    EXPECT_EQ(ReadText(place_ + "/a." + form), ReadText(device().Path("latest." + form))) << form;
  }
}

TEST_F(CliSaveTest, AStoppedDeviceLosesNothingHoweverManyFramesAreWanted) {
  const CommandResult result = Cli({"save", "-n", "100", "-o", place_ + "/%08d.raw", "--no-drop"});
  ASSERT_EQ(result.status, kDone) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(Lines(result.out).size(), 100U);
  EXPECT_EQ(List(place_).size(), 100U);
  ExpectOnlyWholeFrames(place_, 100, picture_);
  EXPECT_EQ(device().Status().at("counters").at("captured"), 100) << "no more than were wanted";
}

TEST_F(CliSaveTest, OutOfAStreamThatRunsFlatOutComeWholeFrames) {
  ASSERT_EQ(Cli({"start", "--rate", "0"}).status, kDone);
  const CommandResult result = Cli({"save", "-n", "60", "-o", place_ + "/%08d.raw"});
  EXPECT_EQ(result.status, kDone) << result.err;
  EXPECT_EQ(Lines(result.out).size(), 60U);
  ExpectOnlyWholeFrames(place_, 60, picture_);
}

TEST_F(CliSaveTest, KilledAtAnyMomentItLeavesOnlyWholeFiles) {
  // Large frames, so that most of the time is spent in writing them.
  const Picture large("GREY", 2048, 1024);
  ASSERT_EQ(Cli({"set", "width=2048", "height=1024"}).status, kDone);
  ASSERT_EQ(Cli({"start", "--rate", "0"}).status, kDone);
  for (int round = 1; round <= 5; round++) {
    const std::string place = MakeScratchDirectory("killed");
    Process saving(
        {CliPath(), "--mount", mount().path(), "save", "-n", "1000000", "-o", place + "/%08d.raw"});
    ASSERT_TRUE(WaitUntil([&] { return List(place).size() >= static_cast<size_t>(7 * round); }));
    saving.Signal(SIGKILL);
    saving.Wait();
    ExpectOnlyWholeFrames(place, 1, large);
    std::filesystem::remove_all(place);
  }
  // The killed program held frames: their buffers come back.
  EXPECT_TRUE(WaitUntil([&] { return device().Status().at("buffers").at("held") == 0; }));
}

TEST_F(CliSaveTest, AFrameThatIsNotThereIsAFailureWithoutAFile) {
  const CommandResult none = Cli({"save", "-o", place_ + "/a.png"});
  EXPECT_EQ(none.status, kFailed);
  EXPECT_NE(none.err.find("there is no frame yet"), std::string::npos) << none.err;
  // The first command is told of frame 0, and may have it held until its end.
  ASSERT_EQ(Cli({"capture", "-n", "9"}).status, kDone);
  ASSERT_EQ(Cli({"capture", "-n", "9"}).status, kDone);
  EXPECT_EQ(Cli({"save", "--sequence", "0", "-o", place_ + "/a.png"}).status, kFailed);
  EXPECT_TRUE(List(place_).empty());
}

}  // namespace
}  // namespace grabfs::mount_test
