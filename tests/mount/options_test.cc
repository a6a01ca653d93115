// SPDX-License-Identifier: Apache-2.0
//
// Mount options: who owns the files, who may use them, and how the mount shows to the system.
// Access is tried by a real second user.
#include <grp.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

class OptionsTest : public MountTest {
 protected:
  void StartWith(const std::vector<std::string>& options) { Start({{kDevice}, options}); }

  // Runs `body` as another ordinary user; needs root.
  static int AsOtherUser(const std::function<int()>& body) {
    return Child([&body](Child::Parent) {
             if (::setgroups(0, nullptr) != 0 ||
                 ::setresgid(kOtherGid, kOtherGid, kOtherGid) != 0 ||
                 ::setresuid(kOtherUid, kOtherUid, kOtherUid) != 0) {
               return 100;
             }
             return body();
           })
        .Wait();
  }
  [[nodiscard]] static bool IsRoot() { return ::geteuid() == 0; }
  [[nodiscard]] std::string MountLine() const {
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
      if (line.find(" " + mount().path() + " ") != std::string::npos) return line;
    }
    return "";
  }
};

TEST_F(OptionsTest, ByDefaultTheOwnerIsWhoeverMounts) {
  device().Capture(1);
  for (const std::string& path : {mount().path(), device().latest(), device().Path("format")}) {
    EXPECT_EQ(Stat(path).st_uid, ::geteuid()) << path;
    EXPECT_EQ(Stat(path).st_gid, ::getegid()) << path;
  }
}

TEST_F(OptionsTest, UidAndGidSetTheOwner) {
  if (!IsRoot()) GTEST_SKIP() << "only root may give files away";
  StartWith({"uid=1234", "gid=2345"});
  device().Capture(1);
  for (const std::string& path : {device().Path("frames"), device().latest(), device().Buffer(0)}) {
    EXPECT_EQ(Stat(path).st_uid, 1234U) << path;
    EXPECT_EQ(Stat(path).st_gid, 2345U) << path;
  }
}

TEST_F(OptionsTest, UmaskTakesPermissionsAway) {
  StartWith({"umask=077"});
  device().Capture(1);
  EXPECT_EQ(Stat(device().Buffer(0)).st_mode & 0777, 0600U);
  EXPECT_EQ(Stat(device().latest()).st_mode & 0777, 0400U);
  EXPECT_EQ(Stat(device().Path("frames")).st_mode & 0777, 0700U);
}

TEST_F(OptionsTest, AReadOnlyMountReadsAndRefusesToWrite) {
  Start({{std::string(kDevice).substr(0, std::string(kDevice).rfind(',')) + ",state=streaming"},
         {"ro"}});
  struct statvfs info {};
  ASSERT_EQ(::statvfs(mount().path().c_str(), &info), 0);
  EXPECT_TRUE(info.f_flag & ST_RDONLY);
  EXPECT_TRUE(WaitUntil([this] { return Exists(device().latest()); }));
  const UniqueFd fd = Open(device().latest(), O_RDONLY);
  EXPECT_TRUE(picture_.IsFrame(ReadAll(fd.get()), std::stoull(XattrFd(fd.get(), "sequence"))));
  EXPECT_EQ(OpenError(device().Path("state"), O_WRONLY), EROFS);
  EXPECT_EQ(OpenError(device().Buffer(0), O_RDWR), EROFS);
}

TEST_F(OptionsTest, TheMountShowsItsTypeAndName) {
  EXPECT_NE(MountLine().find(" fuse.grabfs "), std::string::npos) << MountLine();
  StartWith({"fsname=bench7"});
  EXPECT_NE(MountLine().find(" fuse.grabfs bench7 "), std::string::npos) << MountLine();
}

TEST_F(OptionsTest, PassthroughCanBeSwitchedOff) {
  if (ActiveDataPath() == DataPath::kUser) GTEST_SKIP() << "a user has no passthrough anyway";
  MountSpec spec{{kDevice}, {"passthrough=off"}};
  const Mount cached(spec);
  EXPECT_EQ(cached.Status().at("data_path"), "cached");
  EXPECT_NE(cached.Status().at("data_path_reason").get<std::string>().find("passthrough=off"),
            std::string::npos)
      << cached.Status().at("data_path_reason");
}

TEST_F(OptionsTest, WithoutAllowOtherTheMountIsPrivate) {
  if (!IsRoot()) GTEST_SKIP() << "only root can become a second user";
  device().Capture(1);
  const std::string frame = device().latest();
  EXPECT_EQ(AsOtherUser([&] { return OpenError(frame, O_RDONLY); }), EACCES);
}

TEST_F(OptionsTest, WithAllowOtherTheModesDecide) {
  if (!IsRoot()) GTEST_SKIP() << "only root can become a second user";
  StartWith({"allow_other"});
  device().Capture(1);
  const Device sim = device();
  EXPECT_EQ(AsOtherUser([&] { return OpenError(sim.latest(), O_RDONLY); }), 0);
  EXPECT_EQ(AsOtherUser([&] { return picture_.IsFrame(ReadFile(sim.latest()), 0) ? 0 : 1; }), 0);
  EXPECT_EQ(AsOtherUser([&] { return OpenError(sim.Buffer(0), O_RDWR); }), EACCES);
  EXPECT_EQ(AsOtherUser([&] { return OpenError(sim.Path("state"), O_WRONLY); }), EACCES);
  EXPECT_EQ(AsOtherUser([&] { return ErrorOf(::unlink(sim.Frame(0).c_str())); }), EACCES);
}

TEST_F(OptionsTest, WithAllowOtherAndUmaskTheFilesAreTheOwnersOnly) {
  if (!IsRoot()) GTEST_SKIP() << "only root can become a second user";
  StartWith({"allow_other", "umask=077"});
  device().Capture(1);
  const std::string frame = device().latest();
  EXPECT_EQ(AsOtherUser([&] { return OpenError(frame, O_RDONLY); }), EACCES);
}

TEST_F(OptionsTest, WithAllowOtherTheOwnerMayWork) {
  if (!IsRoot()) GTEST_SKIP() << "only root can become a second user";
  StartWith({"allow_other", "uid=" + std::to_string(kOtherUid)});
  const Device sim = device();
  EXPECT_EQ(AsOtherUser([&] { return sim.TrySet("trigger", "1"); }), 0);
  EXPECT_TRUE(WaitUntil([&] { return Exists(sim.latest()); }));
  EXPECT_EQ(AsOtherUser([&] { return ErrorOf(::unlink(sim.Frame(0).c_str())); }), 0);
}

TEST_F(OptionsTest, AUserMayNotOpenTheMountToOthersUnlessTheMachineAllowsIt) {
  if (IsRoot()) GTEST_SKIP() << "root may";
  if (RunShell("grep -q '^user_allow_other' /etc/fuse.conf").status == 0) {
    GTEST_SKIP() << "this machine allows it in /etc/fuse.conf";
  }
  const std::string mountpoint = MakeScratchDirectory("mount");
  const CommandResult result = RunCommand(MountCommand({{kDevice}, {"allow_other"}}, mountpoint));
  EXPECT_NE(result.status, 0);
  EXPECT_NE(result.err.find("user_allow_other"), std::string::npos) << result.err;
  EXPECT_FALSE(IsMounted(mountpoint));
}

}  // namespace
}  // namespace grabfs::mount_test
