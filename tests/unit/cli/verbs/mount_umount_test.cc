// SPDX-License-Identifier: Apache-2.0
//
// mount, umount and what they are made of, as far as no real mount is needed.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/base/process.h"
#include "cli/mount/mount_users.h"
#include "tests/unit/cli/fake_mount.h"

namespace grabfs::cli {
namespace {

using ::testing::HasSubstr;

class MountUmount : public FakeMount {
 protected:
  // A program of that name beside the CLI.
  void Install(const std::string& name, const std::string& script) {
    context().program_directory = Scratch("bin");
    std::filesystem::create_directories(Scratch("bin"));
    WriteText(Scratch("bin/" + name), "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(Scratch("bin/" + name), std::filesystem::perms::owner_all);
  }

  void PretendMounted(const std::string& mountpoint) {
    environment().clear();
    context().system.proc = Scratch("proc");
    std::filesystem::create_directories(Scratch("proc/self"));
    WriteText(Scratch("proc/self/mountinfo"),
              "90 22 0:57 / " + mountpoint + " rw - fuse.grabfs grabfs rw\n");
  }
};

TEST_F(MountUmount, MountHandsItsArgumentsToTheDaemon) {
  Install("grabfs", "printf '%s\\n' \"$@\" > " + Scratch("args"));
  ASSERT_EQ(Cli({"mount", "--device", "sim0=pattern,rate=5", "-o", "allow_other,umask=022", "-f",
                 "/mnt/x", "--json"}),
            ExitCode::kDone)
      << Err();
  EXPECT_EQ(ReadText(Scratch("args")),
            "--device\nsim0=pattern,rate=5\n-o\nallow_other,umask=022\n-f\n/mnt/x\n--json\n");
}

TEST_F(MountUmount, MountPassesOnHowTheDaemonEnded) {
  Install("grabfs", "exit 2");
  EXPECT_EQ(Cli({"mount", "/mnt/x"}), ExitCode::kUsage);
  Install("grabfs", "exit 7");
  EXPECT_EQ(Cli({"mount", "/mnt/x"}), ExitCode::kFailed);
  Install("grabfs", "kill -9 $$");
  EXPECT_EQ(Cli({"mount", "/mnt/x"}), ExitCode::kFailed);
}

TEST_F(MountUmount, WithoutADaemonMountSaysWhereItLooked) {
  EXPECT_EQ(Cli({"mount", "/mnt/x"}), ExitCode::kFailed);
  EXPECT_THAT(Err(), HasSubstr("no grabfs beside this program or in $PATH"));
}

TEST_F(MountUmount, ProgramsAreFoundInPath) {
  Install("tool", "exit 0");
  context().program_directory = "/nowhere";
  environment()["PATH"] = "/nonexistent:" + Scratch("bin");
  EXPECT_EQ(FindProgram(context(), "tool"), Scratch("bin/tool"));
  EXPECT_EQ(FindProgram(context(), "no-such-tool"), std::nullopt);
}

TEST_F(MountUmount, WhatIsNoGrabfsMountIsNotUnmounted) {
  PretendMounted("/mnt/grabfs");
  EXPECT_EQ(Cli({"umount", "/"}), ExitCode::kNoDevice);
  EXPECT_EQ(Cli({"umount", Scratch("")}), ExitCode::kNoDevice);
  EXPECT_THAT(Err(), HasSubstr("no grabfs is mounted there"));
}

TEST_F(MountUmount, StaleCleansNothingWhereAllMountsLive) {
  PretendMounted(root().string());
  EXPECT_EQ(Cli({"umount", "--stale", "--json"}), ExitCode::kDone) << Err();
  EXPECT_EQ(Out(), "[]\n");
}

TEST_F(MountUmount, UsersOfAMountAreFoundByDescriptorAndByMapping) {
  FakeDevice& device = AddDevice("sim0");
  const auto frame = device.FramePath(device.Capture());
  const MountInfo mount = {.mountpoint = frame.parent_path().string()};
  const auto use = [&]() -> std::string {
    for (const MountUser& user : FindMountUsers({}, mount)) {
      if (user.pid == ::getpid()) return user.use;
    }
    return "";
  };
  EXPECT_EQ(use(), "");
  UniqueFd fd(::open(frame.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(use(), "has 00000000.raw open");
  void* const mapping = ::mmap(nullptr, 512, PROT_READ, MAP_SHARED, fd.get(), 0);
  ASSERT_NE(mapping, MAP_FAILED);
  fd.reset();
  EXPECT_EQ(use(), "maps 00000000.raw");
  ::munmap(mapping, 512);
  EXPECT_EQ(use(), "");
}

}  // namespace
}  // namespace grabfs::cli
