// SPDX-License-Identifier: Apache-2.0
//
// The mount, or a device of it, in a container: what docs/containers.md says. Frames, events and
// attributes are there as outside, and the rights are those of the users outside.
#include <sys/mount.h>
#include <sys/stat.h>

#include <filesystem>

#include "fusefs/base/error.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

class ContainersTest : public MountTest {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (!IsSkipped()) Start({{kDevice}, {"allow_other"}});
  }
  void TearDown() override {
    if (!bound_.empty()) ForceUnmount(bound_);
  }

  void Bind(const std::string& from, unsigned long flags = 0) {
    bound_ = MakeScratchDirectory("bound");
    CheckSyscall(::mount(from.c_str(), bound_.c_str(), nullptr, MS_BIND, nullptr), "bind");
    if (flags == 0) return;
    CheckSyscall(::mount(nullptr, bound_.c_str(), nullptr, MS_BIND | MS_REMOUNT | flags, nullptr),
                 "remount");
  }

  // Runs a line in a container of bubblewrap that has the device as /cam.
  [[nodiscard]] CommandResult InContainer(const std::string& bind, const std::string& line,
                                          const std::string& as = "") const {
    return RunShell(
        as +
        "bwrap --unshare-all --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib "
        "--symlink usr/lib64 /lib64 --proc /proc --dev /dev " +
        bind + " " + mount().Path("sim0") + " /cam sh -c '" + line + "'");
  }

  std::string bound_;
};

TEST_F(ContainersTest, ABindMountIsTheDevice) {
  Bind(mount().Path("sim0"));
  const uint64_t sequence = device().Capture(1);
  EXPECT_TRUE(picture_.IsFrame(ReadFile(bound_ + "/latest.raw"), sequence));
  Device(bound_).Set("rate", "7");
  EXPECT_EQ(ReadText(device().Path("rate")), "7\n");
}

TEST_F(ContainersTest, AReadOnlyBindMountHasFramesAndEventsAndChangesNothing) {
  Bind(mount().Path("sim0"), MS_RDONLY);
  EventReader events{Device(bound_)};
  const uint64_t sequence = device().Capture(1);
  EXPECT_EQ(events.NextOf("frame").at("sequence"), sequence);
  EXPECT_TRUE(picture_.IsFrame(ReadFile(bound_ + "/latest.raw"), sequence));
  EXPECT_EQ(OpenError(bound_ + "/rate", O_WRONLY), EROFS);
  EXPECT_EQ(OpenError(bound_ + "/buffers/000.raw", O_RDWR), EROFS);
}

TEST_F(ContainersTest, BubblewrapHasFramesEventsAndAttributes) {
  const uint64_t sequence = device().Capture(1);
  const std::string copy = MakeScratchDirectory("copy");
  const CommandResult result =
      InContainer("--bind " + copy + " /copy --bind",
                  "exec 3</cam/events && cat /cam/latest.raw >/copy/frame && "
                  "echo 7 >/cam/rate && echo 1 >/cam/trigger && read line <&3 && echo $line");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("\"event\":\"frame\""), std::string::npos) << result.out;
  EXPECT_TRUE(picture_.IsFrame(ReadFile(copy + "/frame"), sequence));
  EXPECT_EQ(ReadText(device().Path("rate")), "7\n");
}

// Of a read-only bind mount, and of another user.
TEST_F(ContainersTest, BubblewrapGivesNoRights) {
  const uint64_t sequence = device().Capture(1);
  EXPECT_NE(InContainer("--ro-bind", "echo 7 >/cam/rate").status, 0);
  const std::string nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups ";
  EXPECT_NE(InContainer("--bind", "echo 7 >/cam/rate", nobody).status, 0);
  EXPECT_EQ(ReadText(device().Path("rate")), "0\n");
  const CommandResult stamp = InContainer("--bind", "od -An -tu8 -N8 /cam/latest.raw", nobody);
  EXPECT_EQ(stamp.status, 0) << stamp.err;
  EXPECT_EQ(std::stoull(stamp.out), sequence);
}

// Who is root in a user namespace of his own is himself for the mount.
TEST_F(ContainersTest, RootOfAUserNamespaceIsTheUserWhoMadeIt) {
  const std::string nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups ";
  const std::string in_namespace = "unshare --user --map-root-user sh -c 'id -u; ";
  const CommandResult refused =
      RunShell(nobody + in_namespace + "echo 7 >" + mount().Path("sim0/rate") + "'");
  EXPECT_NE(refused.status, 0);
  EXPECT_EQ(refused.out, "0\n") << refused.err;
  const CommandResult allowed =
      RunShell(in_namespace + "echo 7 >" + mount().Path("sim0/rate") + "'");
  EXPECT_EQ(allowed.status, 0) << allowed.err;
  EXPECT_EQ(ReadText(mount().Path("sim0/rate")), "7\n");
}

}  // namespace
}  // namespace grabfs::mount_test
