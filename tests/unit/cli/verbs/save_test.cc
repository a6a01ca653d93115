// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "cli/base/text.h"
#include "cli/save/encoder.h"
#include "tests/unit/cli/fake_mount.h"

namespace grabfs::cli {
namespace {

using ::testing::HasSubstr;

class Save : public FakeMount {
 protected:
  FakeDevice& device_ = AddDevice("sim0", MakeFrameFormat(kBgr3, 32, 16));

  // Captures what is asked for, as a device does that is stopped.
  void Obey() {
    device_.Obey([](FakeDevice& device, const std::string&, const std::string& value) {
      for (uint64_t i = 0; i < ParseCount(value).value_or(0); ++i) device.Capture();
    });
  }

  [[nodiscard]] Bytes Expected(uint64_t sequence, FileForm form) const {
    return Encode(form, device_.format(), device_.Pixels(sequence));
  }
};

TEST_F(Save, TheNewestFrameInTheFormatOfTheExtension) {
  device_.Capture();
  device_.Capture();
  for (const char* name :
       {"a.raw", "a.pgm", "a.ppm", "a.pnm", "a.png", "a.tiff", "a.npy", "a.bmp", "a.jpg"}) {
    const std::string file = Scratch(name);
    ASSERT_EQ(Cli({"save", "-o", file}), ExitCode::kDone) << Err();
    EXPECT_EQ(Out(), file + "\n");
    EXPECT_EQ(ReadBytes(file), Expected(1, ChooseFileForm("", file))) << name;
  }
}

TEST_F(Save, AnOlderFrameByItsNumber) {
  device_.Capture();
  device_.Capture();
  ASSERT_EQ(Cli({"save", "sim0", "--sequence", "00000000", "-o", Scratch("x"), "--format", "png"}),
            ExitCode::kDone)
      << Err();
  EXPECT_EQ(ReadBytes(Scratch("x")), Expected(0, FindPictureForm("png")));
}

TEST_F(Save, ToStandardOutput) {
  device_.Capture();
  ASSERT_EQ(Cli({"save", "-o", "-"}), ExitCode::kDone) << Err();
  const std::string raw = Out();
  EXPECT_EQ(Bytes(raw.begin(), raw.end()), device_.Pixels(0));
}

TEST_F(Save, IntoADirectoryUnderNamesOfItsOwn) {
  device_.Capture();
  ASSERT_EQ(Cli({"save", "-o", Scratch("")}), ExitCode::kDone) << Err();
  EXPECT_EQ(ReadBytes(Scratch("sim0-00000000.png")), Expected(0, FindPictureForm("png")));
}

TEST_F(Save, WhereThereIsNoFrameItSaysSo) {
  EXPECT_EQ(Cli({"save", "-o", Scratch("x.png")}), ExitCode::kFailed);
  EXPECT_THAT(Err(), HasSubstr("there is no frame yet"));
  device_.Capture();
  EXPECT_EQ(Cli({"save", "--sequence", "7", "-o", Scratch("x.png")}), ExitCode::kFailed);
  EXPECT_THAT(Err(), HasSubstr("frame 7 is not there; those that are lie between 0 and 0"));
  EXPECT_FALSE(std::filesystem::exists(Scratch("x.png")));
}

TEST_F(Save, AStoppedDeviceIsTriggeredForSeveralFrames) {
  Obey();
  ASSERT_EQ(Cli({"save", "-n", "20", "-o", Scratch("f-%03d.png"), "--no-drop"}), ExitCode::kDone)
      << Err();
  std::string names;
  for (uint64_t i = 0; i < 20; ++i) {
    const std::string file =
        Scratch("f-" + std::string(i < 10 ? "00" : "0") + std::to_string(i) + ".png");
    EXPECT_EQ(ReadBytes(file), Expected(i, FindPictureForm("png"))) << file;
    names += file + "\n";
  }
  EXPECT_EQ(Out(), names);
}

TEST_F(Save, NeverMoreThanHalfTheBuffersAreTriggeredAtATime) {
  std::mutex mutex;
  uint64_t most = 0;
  device_.Obey([&](FakeDevice& device, const std::string&, const std::string& value) {
    const uint64_t frames = ParseCount(value).value_or(0);
    {
      const std::lock_guard lock(mutex);
      most = std::max(most, frames);
    }
    for (uint64_t i = 0; i < frames; ++i) device.Capture();
  });
  ASSERT_EQ(Cli({"save", "-n", "30", "-o", Scratch("%d.raw")}), ExitCode::kDone) << Err();
  const std::lock_guard lock(mutex);
  EXPECT_GE(most, 1U);
  EXPECT_LE(most, 4U);
}

TEST_F(Save, AStreamingDeviceGivesItsNextFrames) {
  device_.Capture();
  device_.Patch({{"state", "streaming"}});
  std::jthread camera([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      device_.Next() % 4 == 3 ? device_.Lose("drop", "full") : void(device_.Capture());
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  EXPECT_EQ(Cli({"save", "-n", "6", "-o", Scratch("%d.raw"), "--json", "--no-drop"}),
            ExitCode::kDropped);
  const auto saved = OutObjects();
  ASSERT_EQ(saved.size(), 6U);
  uint64_t last = 0;
  for (const auto& object : saved) {
    const uint64_t sequence = object["sequence"];
    EXPECT_GT(sequence, last);
    last = sequence;
    EXPECT_EQ(ReadBytes(object["file"].get<std::string>()), device_.Pixels(sequence));
  }
  EXPECT_THAT(Err(), HasSubstr("dropped (no free buffer)"));
}

TEST_F(Save, AFrameThatIsGoneBeforeItCanBeOpenedIsCounted) {
  device_.Obey([](FakeDevice& device, const std::string&, const std::string&) {
    const Bytes pixels = device.Pixels(0);
    device.Capture(pixels);
    device.Recycle(device.Next() - 1);
    device.Capture();
  });
  // The fake recycles frame 0 at once, but may lose the race against the CLI.
  EXPECT_EQ(Cli({"save", "-n", "2", "-o", Scratch("%d.raw"), "--timeout", "5"}), ExitCode::kDone);
  EXPECT_TRUE(std::filesystem::exists(Scratch("1.raw")));
  if (!std::filesystem::exists(Scratch("0.raw"))) {
    EXPECT_THAT(Err(), HasSubstr("1 frame gone before it could be opened"));
  }
}

TEST_F(Save, ADiskThatIsFullEndsTheSeries) {
  Obey();
  EXPECT_EQ(Cli({"save", "-n", "5", "-o", Scratch("absent/%d.raw")}), ExitCode::kFailed);
  EXPECT_THAT(Err(), HasSubstr("absent/0.raw: No such file or directory"));
}

TEST_F(Save, TheProgressBarIsForTerminalsOnly) {
  Obey();
  ASSERT_EQ(Cli({"save", "-n", "2", "-o", Scratch("%d.raw")}), ExitCode::kDone);
  EXPECT_EQ(Err(), "");
  context().err_is_terminal = true;
  ASSERT_EQ(Cli({"save", "-n", "2", "-o", Scratch("%d.raw")}), ExitCode::kDone);
  EXPECT_THAT(Err(), HasSubstr("##] 2/2"));
  EXPECT_TRUE(Err().ends_with("\r\033[K")) << "the bar is taken away at the end";
}

TEST_F(Save, AFormatOfALaterVersionCanBeSavedRawOnly) {
  FakeDevice& later = AddDevice("later", {MakeFourcc("NEW1"), 32, 16, 32, 512});
  later.Capture();
  EXPECT_EQ(Cli({"save", "later", "-o", Scratch("x.raw")}), ExitCode::kDone) << Err();
  EXPECT_EQ(ReadBytes(Scratch("x.raw")), later.Pixels(0));
  EXPECT_EQ(Cli({"save", "later", "-o", Scratch("x.png")}), ExitCode::kFailed);
  EXPECT_THAT(Err(), HasSubstr("'NEW1' cannot be converted"));
}

TEST_F(Save, SilenceIsATimeOut) {
  EXPECT_EQ(Cli({"save", "-n", "1", "-o", Scratch("x.png"), "--timeout", "0.02"}),
            ExitCode::kTimeout);
  EXPECT_THAT(Err(), HasSubstr("sim0: no frame in 0.0 s"));
}

}  // namespace
}  // namespace grabfs::cli
