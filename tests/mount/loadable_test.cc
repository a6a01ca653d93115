// SPDX-License-Identifier: Apache-2.0
//
// Sources that are shared objects: loaded when they are named, refused when they are not the
// daemon's own, and nobody else's code in root's daemon.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "fusefs/base/version.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

namespace fs = std::filesystem;

class LoadableTest : public EnvironmentTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    modules_ = MakeScratchDirectory("modules");
    const fs::path built = fs::path(std::getenv("TEST_SRCDIR")) / std::getenv("TEST_WORKSPACE") /
                           "tests/mount/modules";
    for (const auto& entry : fs::directory_iterator(built)) {
      if (entry.path().extension() != ".so") continue;
      const fs::path copy = fs::path(modules_) / entry.path().filename();
      fs::copy_file(entry.path(), copy);
      fs::permissions(copy, fs::perms(0755));
    }
    ASSERT_TRUE(fs::exists(Module("checkers")));
    mountpoint_ = MakeScratchDirectory("mount");
  }

  [[nodiscard]] std::string Module(const std::string& kind) const {
    return modules_ + "/source-" + kind + ".so";
  }

  // The daemon's command line with this device, in the foreground.
  [[nodiscard]] std::vector<std::string> Command(const std::string& device) const {
    auto command = MountCommand({{device}, {}}, mountpoint_);
    command.insert(command.begin() + 1, {"--source-path", modules_});
    return command;
  }

  // What it says when it refuses, in one line.
  std::string Refusal(const std::string& device) const {
    Process daemon(Command(device));
    const int status = daemon.Wait();
    EXPECT_TRUE(status == 1 || status == 2) << status;
    EXPECT_FALSE(IsMounted(mountpoint_));
    const std::string said = daemon.err();
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    return said;
  }

  static bool Contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  std::string modules_;
  std::string mountpoint_;
};

TEST_F(LoadableTest, ItsFramesAreFiles) {
  Process daemon(Command("board=checkers,rate=0,buffers=4"));
  const Device device(mountpoint_ + "/board");
  ASSERT_TRUE(WaitUntil([&] { return fs::exists(device.Path("state")) || daemon.Poll(); }));
  ASSERT_EQ(daemon.Poll(), std::nullopt) << daemon.err();
  device.Capture(3);
  std::ifstream file(device.Frame(2), std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(content, std::string(64 * 64, '\3'));
  // An exception of the module is the daemon's own kind; its log is the daemon's.
  device.Capture(2);
  EXPECT_TRUE(WaitUntil([&] { return Contains(daemon.err(), "a broken frame"); })) << daemon.err();
  EXPECT_TRUE(Contains(daemon.err(), "grabfs: checkers are painted"));
  EXPECT_EQ(device.Status().at("source"), "checkers");
  file.close();
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0) << daemon.err();
}

TEST_F(LoadableTest, ItsErrorsAreTheErrorsOfTheCommandLine) {
  EXPECT_TRUE(Contains(Refusal("board=checkers:none"), "checkers: there is no such board"));
  EXPECT_TRUE(Contains(Refusal("board=checkers,colour=red"), "colour"));
}

TEST_F(LoadableTest, IsNotLoadedWhenItIsNotNamed) {
  std::ofstream(Module("checkers")) << "no shared object";
  Process daemon(Command("sim0=pattern"));
  EXPECT_TRUE(WaitUntil([&] { return IsMounted(mountpoint_); })) << daemon.err();
  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.Wait(), 0);
}

TEST_F(LoadableTest, AMissingOneIsNamedWithItsPackage) {
  const std::string said = Refusal("cam0=telescope:first");
  EXPECT_TRUE(Contains(said, "source 'telescope': unknown; known are pattern")) << said;
  EXPECT_TRUE(Contains(said, "package grabfs-telescope")) << said;
  EXPECT_TRUE(Contains(said, Module("telescope"))) << said;
}

TEST_F(LoadableTest, WhatIsNotOfThisBuildIsRefused) {
  EXPECT_TRUE(
      Contains(Refusal("board=older"), std::string("is of grabfs 0.0.9, and this is ") + kVersion));
  EXPECT_TRUE(Contains(Refusal("board=stranger"), "was not built together with this grabfs"));
  EXPECT_TRUE(Contains(Refusal("board=nothing"), "is no source of grabfs"));
  EXPECT_TRUE(Contains(Refusal("board=incomplete"), "grabfs_function_that_nobody_has"));
  std::ofstream(Module("text")) << "no shared object";
  EXPECT_TRUE(Contains(Refusal("board=text"), "source-text.so"));
}

TEST_F(LoadableTest, AKindIsNoPath) {
  EXPECT_TRUE(Contains(Refusal("board=../modules/source-checkers"), "unknown"));
  EXPECT_TRUE(Contains(Refusal("board=/bin/sh"), "unknown"));
}

TEST_F(LoadableTest, RootLoadsNothingThatOthersCanChange) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root's daemon has rights to give away";
  fs::permissions(Module("checkers"), fs::perms(0777));
  EXPECT_TRUE(Contains(Refusal("board=checkers"), "others may write to it"));
  fs::permissions(Module("checkers"), fs::perms(0755));
  ASSERT_EQ(::chown(Module("checkers").c_str(), kOtherUid, kOtherGid), 0);
  EXPECT_TRUE(Contains(Refusal("board=checkers"), "belongs to another user"));
  ASSERT_EQ(::chown(Module("checkers").c_str(), 0, 0), 0);
  ASSERT_EQ(::chown(modules_.c_str(), kOtherUid, kOtherGid), 0);
  EXPECT_TRUE(Contains(Refusal("board=checkers"), modules_ + ": it belongs to another user"));
}

TEST_F(LoadableTest, TheEnvironmentChoosesNothing) {
  ::setenv("LD_LIBRARY_PATH", modules_.c_str(), 1);
  auto command = MountCommand({{"board=checkers"}, {}}, mountpoint_);
  Process daemon(command);
  EXPECT_NE(daemon.Wait(), 0);
  ::unsetenv("LD_LIBRARY_PATH");
}

// What it would have of its own, the daemon would have twice: the log, the limit of memory ...
TEST_F(LoadableTest, HasNoCodeOfTheDaemon) {
  const std::string symbols =
      RunCommand({"sh", "-c", "nm -DC --defined-only " + Module("checkers")}).out;
  EXPECT_TRUE(Contains(symbols, "grabfs_source_module"));
  for (const char* own : {"grabfs::LogInfo", "grabfs::Source::Start", "grabfs::AllocateMemory"}) {
    EXPECT_FALSE(Contains(symbols, own)) << symbols;
  }
}

}  // namespace
}  // namespace grabfs::mount_test
