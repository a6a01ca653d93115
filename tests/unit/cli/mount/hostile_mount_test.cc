// SPDX-License-Identifier: Apache-2.0
//
// What a mount shows may be chosen by somebody else: names and links that lead out of it change
// nothing there.
#include <unistd.h>

#include <filesystem>

#include "cli/mount/status.h"
#include "fusefs/base/error.h"
#include "grabfs/grabfs.h"
#include "tests/unit/cli/fake_mount.h"

namespace grabfs::cli {
namespace {

namespace fs = std::filesystem;

class HostileMount : public FakeMount {
 protected:
  HostileMount() : device_(AddDevice("cam0")) { WriteText(victim_, "mine\n"); }

  // The file of the mount becomes a link to `target`.
  void Replace(const std::string& file, const std::string& target) {
    fs::remove_all(root() / file);
    fs::create_symlink(target, root() / file);
  }

  // The command fails, and what the link leads to stays as it is.
  void ExpectRefused(const std::vector<std::string>& args) {
    EXPECT_NE(Cli(args), ExitCode::kDone) << Out();
    EXPECT_NE(Err().find("leads out of the mount"), std::string::npos) << Err();
    EXPECT_EQ(ReadText(victim_), "mine\n");
  }

  const std::string victim_ = Scratch("victim");
  FakeDevice& device_;
};

TEST_F(HostileMount, ADeviceHasNoNameThatLeadsElsewhere) {
  fs::create_directories(Scratch("elsewhere"));
  WriteText(Scratch("elsewhere/state"), "mine\n");
  for (const char* name : {"../scratch/elsewhere", "/", "..", ".", "", "cam0/../cam0", "a\nb"}) {
    device_.Patch({{"name", name}});
    EXPECT_NE(Cli({"start"}), ExitCode::kDone) << name;
    EXPECT_NE(Cli({"list"}), ExitCode::kDone) << name << Out();
    EXPECT_EQ(ReadText(Scratch("elsewhere/state")), "mine\n");
  }
}

TEST_F(HostileMount, AnAttributeThatIsALinkIsNotWritten) {
  for (const std::string& target :
       {victim_, std::string("../../scratch/victim"), std::string("/proc/self/fd/0")}) {
    Replace("cam0/trigger", target);
    ExpectRefused({"trigger", "cam0"});
  }
}

TEST_F(HostileMount, AControlInALinkedDirectoryIsNotWritten) {
  WriteText(Scratch("gain"), "mine\n");
  Replace("cam0/controls", Scratch(""));
  ExpectRefused({"set", "cam0", "gain=5"});
  EXPECT_EQ(ReadText(Scratch("gain")), "mine\n");
}

TEST_F(HostileMount, ADeviceThatIsALinkIsNone) {
  fs::rename(root() / "cam0", Scratch("cam0"));
  fs::create_symlink(Scratch("cam0"), root() / "cam0");
  ExpectRefused({"set", "cam0", "rate=5"});
}

TEST_F(HostileMount, MemoryIsNeitherMadeNorFreedElsewhere) {
  Replace("alloc", Scratch(""));
  ExpectRefused({"free", "victim"});
  ExpectRefused({"alloc", "new", "4K"});
  EXPECT_FALSE(fs::exists(Scratch("new")));
}

TEST_F(HostileMount, WhatIsReadIsOfTheMount) {
  Replace("cam0/events", victim_);
  ExpectRefused({"wait", "cam0", "--timeout", "1"});
  Replace("cam0/status.json", victim_);
  ExpectRefused({"wait", "cam0", "--state", "stopped", "--timeout", "1"});
  Replace("status.json", victim_);
  ExpectRefused({"list"});
}

TEST_F(HostileMount, TheLibraryKeepsToTheMountToo) {
  grabfs_device* device = nullptr;
  ASSERT_EQ(grabfs_open((root() / "cam0").c_str(), &device), 0);
  Replace("cam0/rate", victim_);
  EXPECT_EQ(grabfs_set(device, "rate", "5"), -EXDEV);
  EXPECT_EQ(grabfs_get(device, "rate", nullptr, 0), -EXDEV);
  Replace("cam0/controls", Scratch(""));
  EXPECT_LT(grabfs_set(device, "victim", "5"), 0);
  device_.Capture();
  fs::copy(device_.FramePath(0), Scratch("frame"));
  Replace("cam0/latest.raw", Scratch("frame"));
  const grabfs_frame* frame = nullptr;
  EXPECT_LT(grabfs_newest(device, 0, &frame), 0);
  grabfs_close(device);
  EXPECT_EQ(ReadText(victim_), "mine\n");
}

TEST_F(HostileMount, TheLibraryTakesNoLinkForADevice) {
  ASSERT_EQ(::setenv("GRABFS_MOUNT", root().c_str(), 1), 0);
  grabfs_device* device = nullptr;
  EXPECT_EQ(grabfs_open("cam0", &device), 0);
  grabfs_close(device);
  fs::rename(root() / "cam0", Scratch("cam0"));
  fs::create_symlink(Scratch("cam0"), root() / "cam0");
  EXPECT_EQ(grabfs_open("cam0", &device), -ENODEV);
  EXPECT_EQ(grabfs_open(nullptr, &device), -ENODEV);
  ::unsetenv("GRABFS_MOUNT");
}

}  // namespace
}  // namespace grabfs::cli
