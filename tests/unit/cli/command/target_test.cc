// SPDX-License-Identifier: Apache-2.0
//
// Which of several mounts is meant, when no option names one.
#include "cli/command/target.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/unit/cli/fake_mount.h"

namespace grabfs::cli {
namespace {

constexpr uid_t kSelf = 1234;

class TargetTest : public FakeMount {
 protected:
  TargetTest() {
    environment().erase("GRABFS_MOUNT");
    AddDevice("cam0");
    AddDevice("cam1");
    context().user = kSelf;
    context().system.proc = Scratch("proc");
    std::filesystem::create_directories(Scratch("proc/self"));
  }

  // A second mount with the same devices.
  std::string Copy(const std::string& name) {
    std::filesystem::copy(root() / "status.json", Scratch(name) + "/status.json");
    return Scratch(name);
  }

  // These are mounted, each by a user: "user_id=0".
  void Mounted(const std::vector<std::pair<std::string, std::string>>& mounts) {
    std::string table;
    for (const auto& [mountpoint, user] : mounts) {
      table +=
          "30 1 0:30 / " + mountpoint + " rw - fuse.grabfs grabfs rw," + user + ",group_id=0\n";
    }
    WriteText(Scratch("proc/self/mountinfo"), table);
  }

  std::string Found(const std::string& device) {
    Target target;
    target.set_device(device);
    return target.FindDevice(context()).directory().parent_path();
  }

  const std::string stranger_ = "user_id=" + std::to_string(4711);
  const std::string self_ = "user_id=" + std::to_string(kSelf);
};

TEST_F(TargetTest, ANameOfAStrangersMountDoesNotMakeOursAmbiguous) {
  std::filesystem::create_directories(Scratch("other"));
  const std::string other = Copy("other");
  Mounted({{other, stranger_}, {root().string(), self_}});
  EXPECT_EQ(Found("cam0"), root());
  EXPECT_EQ(Target().FindMount(context()).root(), root());
  Mounted({{other, "user_id=0"}, {root().string(), stranger_}});
  EXPECT_EQ(Found("cam0"), other);
  Mounted({{other, self_}, {root().string(), self_}});
  EXPECT_THROW(Found("cam0"), UsageError);
  EXPECT_THROW((void)Target().FindMount(context()), UsageError);
}

TEST_F(TargetTest, AStrangersMountIsFoundWhereOursHasNoSuchName) {
  std::filesystem::create_directories(Scratch("other"));
  WriteText(Scratch("other/status.json"),
            R"({"version":"1","kernel":"1","pid":1,"data_path":"cached",
    "data_path_reason":"","devices":[]})");
  Mounted({{Scratch("other"), self_}, {root().string(), stranger_}});
  EXPECT_EQ(Found("cam0"), root());
}

TEST_F(TargetTest, RootWorksOnNoStrangersMountUnlessItIsNamed) {
  context().user = 0;
  Mounted({{root().string(), stranger_}});
  EXPECT_THROW(Found("cam0"), NoDeviceError);
  EXPECT_THROW((void)Target().FindMount(context()), NoDeviceError);
  EXPECT_EQ(Target().LivingMounts(context()).size(), 1u);
  environment()["GRABFS_MOUNT"] = root();
  EXPECT_EQ(Found("cam0"), root());
  EXPECT_EQ(Target().FindMount(context()).root(), root());
}

TEST_F(TargetTest, WhatIsNoStatusIsLeftOutAndTold) {
  std::filesystem::create_directories(Scratch("odd"));
  WriteText(Scratch("odd/status.json"), "\x1b[31m{");
  Mounted({{Scratch("odd"), "user_id=0"}, {root().string(), stranger_}});
  EXPECT_EQ(Found("cam0"), root());
  EXPECT_NE(Err().find("left out: "), std::string::npos) << Err();
  EXPECT_EQ(Err().find('\x1b'), std::string::npos) << Err();
}

}  // namespace
}  // namespace grabfs::cli
