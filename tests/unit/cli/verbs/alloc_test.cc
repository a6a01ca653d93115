// SPDX-License-Identifier: Apache-2.0
//
// The verbs about memory of one's own, and holding: alloc, free, capture --into, hold.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/unit/cli/fake_mount.h"

namespace grabfs::cli {
namespace {

using ::testing::HasSubstr;

class Alloc : public FakeMount {
 protected:
  Alloc() { std::filesystem::create_directories(root() / "alloc" / "sim0"); }

  [[nodiscard]] std::string Path(const std::string& name) const {
    return (root() / "alloc" / name).string();
  }

  FakeDevice& device_ = AddDevice("sim0");
};

TEST_F(Alloc, MakesAFileOfTheSizeAndPrintsItsPath) {
  ASSERT_EQ(Cli({"alloc", "mine", "64K"}), ExitCode::kDone) << Err();
  EXPECT_EQ(Out(), Path("mine") + "\n");
  EXPECT_EQ(std::filesystem::file_size(Path("mine")), 65536U);
  struct stat stat = {};
  ASSERT_EQ(::stat(Path("mine").c_str(), &stat), 0);
  EXPECT_EQ(stat.st_mode & 0777, 0600U);
}

TEST_F(Alloc, WithoutASizeItIsOneImageOfTheDevice) {
  ASSERT_EQ(Cli({"alloc", "picture", "--device", "sim0", "--json"}), ExitCode::kDone) << Err();
  const auto object = OutObjects().front();
  EXPECT_EQ(object["file"], Path("sim0/picture"));
  EXPECT_EQ(object["bytes"], device_.format().bytes);
  EXPECT_EQ(std::filesystem::file_size(Path("sim0/picture")), device_.format().bytes);
}

TEST_F(Alloc, RefusesWhatMakesNoSense) {
  EXPECT_EQ(Cli({"alloc", "mine", "much"}), ExitCode::kUsage);
  EXPECT_EQ(Cli({"alloc", "mine", "1", "--mode", "9"}), ExitCode::kUsage);
  for (const char* name : {"", ".", "..", "../x", "a/b/c", "/etc/passwd"}) {
    EXPECT_EQ(Cli({"alloc", name, "1"}), ExitCode::kUsage) << name;
  }
  EXPECT_EQ(Cli({"alloc", "mine", "1"}), ExitCode::kDone);
  EXPECT_EQ(Cli({"alloc", "mine", "1"}), ExitCode::kFailed) << "there already";
}

TEST_F(Alloc, FreeRemovesByAnyNameOfTheFile) {
  for (const char* name : {"a", "b", "c", "sim0/d"}) {
    ASSERT_EQ(Cli({"alloc", name, "1"}), ExitCode::kDone) << Err();
  }
  ASSERT_EQ(Cli({"free", "a", "alloc/b", Path("c"), "sim0/d", "--json"}), ExitCode::kDone) << Err();
  EXPECT_EQ(OutObjects().size(), 4U);
  EXPECT_FALSE(std::filesystem::exists(Path("a")));
  EXPECT_FALSE(std::filesystem::exists(Path("sim0/d")));
  EXPECT_EQ(Cli({"free", "a"}), ExitCode::kFailed);
  EXPECT_EQ(Cli({"free"}), ExitCode::kUsage);
}

class CaptureInto : public Alloc {
 protected:
  void OnInto(const std::function<nlohmann::json(const std::string& file)>& event) {
    device_.Obey(
        [event](FakeDevice& device, const std::string& attribute, const std::string& value) {
          if (attribute == "into") device.Announce(event(value));
        });
  }
};

TEST_F(CaptureInto, PrintsTheFileWhenTheFrameIsThere) {
  OnInto([](const std::string& file) {
    return nlohmann::json{{"event", "into"}, {"sequence", 7}, {"file", file}, {"timestamp_ns", 5}};
  });
  ASSERT_EQ(Cli({"capture", "--into", "mine", "--json"}), ExitCode::kDone) << Err();
  EXPECT_EQ(OutObjects().front()["sequence"], 7);
  EXPECT_EQ(OutObjects().front()["file"], Path("mine"));
}

TEST_F(CaptureInto, TellsWhyThereIsNoFrame) {
  OnInto([](const std::string& file) {
    return nlohmann::json{{"event", "error"}, {"file", file}, {"reason", "the lamp is out"}};
  });
  EXPECT_EQ(Cli({"capture", "--into", "alloc/mine"}), ExitCode::kFailed);
  EXPECT_THAT(Err(), HasSubstr("the lamp is out"));
  EXPECT_EQ(Cli({"capture", "--into", "mine", "-n", "2"}), ExitCode::kUsage);
}

TEST_F(Alloc, HoldPrintsTheFrameThatItHolds) {
  device_.Capture();
  device_.Capture();
  ASSERT_EQ(Cli({"hold", "--for", "0"}), ExitCode::kDone) << Err();
  EXPECT_EQ(Out(), device_.FramePath(1).string() + "\n");
  ASSERT_EQ(Cli({"hold", "sim0", "--frame", "0", "--for", "0", "--json"}), ExitCode::kDone);
  EXPECT_EQ(OutObjects().front()["sequence"], 0);
  EXPECT_EQ(Cli({"hold", "--frame", "9", "--for", "0"}), ExitCode::kFailed);
}

}  // namespace
}  // namespace grabfs::cli
