// SPDX-License-Identifier: Apache-2.0
//
// alloc/ among several users of one mount (allow_other): each has a quota and sees what is shared
// with him. Tried by real users, so by root only.
#include <grp.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "tests/mount/support/alloc.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

constexpr uint64_t kMegabyte = uint64_t{1} << 20;
constexpr uid_t kAlice = 1;  // ordinary accounts of every Debian machine: daemon, bin, sys
constexpr uid_t kBob = 2;
constexpr uid_t kCarol = 3;

class AllocUsersTest : public MountTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may become other users";
    MountTest::SetUp();
    if (!IsSkipped()) {
      Start({{kDevice}, {"allow_other", "alloc_size=48M", "alloc_quota=32M", "umask=000"}});
    }
  }

  [[nodiscard]] std::string Path(const std::string& name) const {
    return mount().Path("alloc/" + name);
  }
  // The errno value that `body` returns when it runs as this user, in these groups beside his own;
  // umask 022.
  static int As(uid_t user, const std::function<int()>& body,
                const std::vector<gid_t>& groups = {}) {
    return Child([&](Child::Parent) {
             if (::setgroups(groups.size(), groups.data()) != 0 ||
                 ::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0) {
               return 100;
             }
             ::umask(022);
             return body();
           })
        .Wait();
  }
};

TEST_F(AllocUsersTest, AnOrdinaryUserHasMemoryOfHisOwn) {
  EXPECT_EQ(As(kAlice,
               [&] {
                 const UniqueFd fd = Allocate(Path("a"), kMegabyte, 0600);
                 const Mapping mapping(fd.get(), kMegabyte, PROT_READ | PROT_WRITE);
                 mapping.data()[kMegabyte - 1] = std::byte{1};
                 return ErrorOf(::unlink(Path("a").c_str()));
               }),
            0);
}

TEST_F(AllocUsersTest, PrivateMemoryIsInvisibleToOthers) {
  ASSERT_EQ(As(kAlice, [&] { return AllocateError(Path("secret"), kMegabyte, 0600); }), 0);
  EXPECT_EQ(As(kBob, [&] { return OpenError(Path("secret"), O_RDONLY); }), ENOENT);
  EXPECT_EQ(As(kBob, [&] { return ErrorOf(::access(Path("secret").c_str(), F_OK)); }), ENOENT);
  EXPECT_EQ(As(kBob, [&] { return static_cast<int>(List(mount().Path("alloc")).size()); }), 1);
  EXPECT_EQ(As(kAlice, [&] { return static_cast<int>(List(mount().Path("alloc")).size()); }), 2);
  EXPECT_EQ(As(kAlice, [&] { return OpenError(Path("secret"), O_RDWR); }), 0);
  EXPECT_EQ(OpenError(Path("secret"), O_RDWR), 0) << "root sees everything";
}

TEST_F(AllocUsersTest, SharedMemoryIsSharedByItsMode) {
  ASSERT_EQ(As(kAlice, [&] { return AllocateError(Path("shared"), kMegabyte, 0644); }), 0);
  EXPECT_EQ(As(kBob, [&] { return OpenError(Path("shared"), O_RDONLY); }), 0);
  EXPECT_EQ(As(kBob, [&] { return OpenError(Path("shared"), O_RDWR); }), EACCES);
  EXPECT_EQ(As(kBob, [&] { return ErrorOf(::chmod(Path("shared").c_str(), 0666)); }), EPERM);
  ASSERT_EQ(As(kAlice, [&] { return ErrorOf(::chmod(Path("shared").c_str(), 0666)); }), 0);
  EXPECT_EQ(As(kBob, [&] { return OpenError(Path("shared"), O_RDWR); }), 0);
}

TEST_F(AllocUsersTest, TheDirectoryIsSticky) {
  ASSERT_EQ(As(kAlice, [&] { return AllocateError(Path("shared"), kMegabyte, 0666); }), 0);
  EXPECT_EQ(As(kBob, [&] { return ErrorOf(::unlink(Path("shared").c_str())); }), EPERM);
  EXPECT_EQ(As(kBob, [&] { return ErrorOf(::rename(Path("shared").c_str(), Path("b").c_str())); }),
            EPERM);
  EXPECT_EQ(As(kAlice, [&] { return ErrorOf(::unlink(Path("shared").c_str())); }), 0);
}

TEST_F(AllocUsersTest, EachUserHasAQuota) {
  EXPECT_EQ(As(kAlice, [&] { return AllocateError(Path("a"), 33 * kMegabyte); }), EDQUOT);
  EXPECT_EQ(As(kAlice, [&] { return ErrorOf(::truncate(Path("a").c_str(), 32 * kMegabyte)); }), 0);
  EXPECT_EQ(As(kBob, [&] { return AllocateError(Path("b"), 16 * kMegabyte); }), 0);
  EXPECT_EQ(As(kBob, [&] { return AllocateError(Path("b2"), kMegabyte); }), ENOSPC)
      << "within his quota, but all together have had all there is";
  EXPECT_EQ(As(kAlice, [&] { return ErrorOf(::unlink(Path("a").c_str())); }), 0);
  // The memory goes a moment after the last close().
  EXPECT_TRUE(WaitUntil([&] {
    return As(kBob, [&] { return ErrorOf(::truncate(Path("b2").c_str(), kMegabyte)); }) == 0;
  }));
}

TEST_F(AllocUsersTest, AGiftCountsForWhoGetsIt) {
  ASSERT_EQ(As(kAlice, [&] { return AllocateError(Path("a"), 20 * kMegabyte); }), 0);
  ASSERT_EQ(As(kBob, [&] { return AllocateError(Path("b"), 20 * kMegabyte); }), 0);
  EXPECT_EQ(As(kAlice, [&] { return ErrorOf(::chown(Path("a").c_str(), kBob, -1)); }), EPERM);
  EXPECT_EQ(ErrorOf(::chown(Path("a").c_str(), kBob, -1)), EDQUOT);
  EXPECT_EQ(ErrorOf(::chown(Path("a").c_str(), kCarol, kCarol)), 0);
  EXPECT_EQ(As(kAlice, [&] { return AllocateError(Path("a2"), 8 * kMegabyte); }), 0);
}

TEST_F(AllocUsersTest, FilesAreLimitedToo) {
  EXPECT_EQ(As(kAlice,
               [&] {
                 int error = 0;
                 for (int i = 0; error == 0; i++) error = AllocateError(Path(std::to_string(i)), 0);
                 return error;
               }),
            EDQUOT);
  EXPECT_EQ(As(kBob, [&] { return AllocateError(Path("b"), kMegabyte); }), 0);
}

TEST_F(AllocUsersTest, StatfsAnswersEachUser) {
  ASSERT_EQ(As(kAlice, [&] { return AllocateError(Path("a"), 30 * kMegabyte); }), 0);
  const auto free_megabytes = [&] {
    struct statvfs info {};
    if (::statvfs(mount().Path("alloc").c_str(), &info) != 0) return -1;
    return static_cast<int>(info.f_bavail * info.f_frsize / kMegabyte);
  };
  EXPECT_EQ(As(kAlice, free_megabytes), 2);
  EXPECT_EQ(As(kBob, free_megabytes), 18);
}

TEST_F(AllocUsersTest, AnOrdinaryUserCapturesIntoHisMemory) {
  ASSERT_EQ(As(kAlice, [&] { return AllocateError(Path("a"), picture_.bytes()); }), 0);
  EXPECT_EQ(As(kBob, [&] { return WriteText(device().Path("into"), "a"); }), ENOENT);
  ASSERT_EQ(As(kAlice, [&] { return ErrorOf(::chmod(Path("a").c_str(), 0604)); }), 0);
  EXPECT_EQ(As(kBob, [&] { return WriteText(device().Path("into"), "a"); }), EACCES);
  EventReader events(device());
  ASSERT_EQ(As(kAlice, [&] { return WriteText(device().Path("into"), "alloc/a"); }), 0);
  const nlohmann::json event = events.NextOf("into");
  EXPECT_TRUE(picture_.IsFrame(ReadFile(Path("a")), event.at("sequence")));
}

TEST_F(AllocUsersTest, AllGroupsOfAUserCount) {
  ASSERT_EQ(As(kAlice, [&] { return AllocateError(Path("a"), picture_.bytes()); }), 0);
  ASSERT_EQ(::chown(Path("a").c_str(), kAlice, kCarol), 0);
  ASSERT_EQ(::chmod(Path("a").c_str(), 0660), 0);
  const auto capture = [&] { return WriteText(device().Path("into"), "a"); };
  EXPECT_EQ(As(kBob, capture), EACCES);
  EXPECT_EQ(As(kBob, capture, {kAlice, kCarol}), 0);
}

TEST_F(AllocUsersTest, TheDirectoryCanBeClosed) {
  Start({{kDevice}, {"allow_other", "alloc_mode=750"}});
  EXPECT_EQ(Stat(mount().Path("alloc")).st_mode & 07777, 0750U);
  EXPECT_EQ(As(kAlice, [&] { return AllocateError(Path("a"), 1); }), EACCES);
}

}  // namespace
}  // namespace grabfs::mount_test
