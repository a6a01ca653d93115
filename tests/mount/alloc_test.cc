// SPDX-License-Identifier: Apache-2.0
//
// The promises of alloc/ to one user: memory by create and ftruncate, an ordinary file in every
// respect, gone at the last close and munmap.
#include "tests/mount/support/alloc.h"

#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

constexpr uint64_t kBytes = (uint64_t{3} << 20) + 1234;  // with a tail of small pages

class AllocTest : public MountTest {
 protected:
  [[nodiscard]] std::string Path(const std::string& name) const {
    return mount().Path("alloc/" + name);
  }
  [[nodiscard]] std::vector<std::string> Names() const {
    std::vector<std::string> names = List(mount().Path("alloc"));
    std::erase(names, "sim0");
    return names;
  }
  [[nodiscard]] uint64_t Taken() const { return mount().Status().at("alloc").at("bytes"); }
  // Blocks until what was freed has been given back.
  [[nodiscard]] bool AllIsFree() const {
    return WaitUntil([this] { return Taken() == 0; });
  }
};

TEST_F(AllocTest, TheDirectoryIsOpenToAllAndSticky) {
  const struct stat stat = Stat(mount().Path("alloc"));
  EXPECT_TRUE(S_ISDIR(stat.st_mode));
  EXPECT_EQ(stat.st_mode & 07777, 01777U);
  EXPECT_EQ(List(mount().Path("alloc")), (std::vector<std::string>{"sim0"}));
}

TEST_F(AllocTest, CreateAndFtruncateMakeZeroedMemory) {
  const UniqueFd fd = Allocate(Path("mine"), kBytes);
  const struct stat stat = StatFd(fd.get());
  EXPECT_EQ(stat.st_size, static_cast<off_t>(kBytes));
  EXPECT_GE(stat.st_blocks * 512, static_cast<blkcnt_t>(kBytes));
  EXPECT_EQ(stat.st_mode, S_IFREG | 0600U);
  EXPECT_EQ(stat.st_uid, ::geteuid());
  EXPECT_EQ(ReadFile(Path("mine")), std::vector<std::byte>(kBytes));
  EXPECT_EQ(Taken(), kBytes);
}

TEST_F(AllocTest, FallocateMakesMemoryToo) {
  const UniqueFd fd = Allocate(Path("mine"), 0);
  ASSERT_EQ(ErrorOf(::posix_fallocate(fd.get(), 0, kBytes)), 0);
  EXPECT_EQ(StatFd(fd.get()).st_size, static_cast<off_t>(kBytes));
  EXPECT_EQ(Taken(), kBytes);
  EXPECT_EQ(ErrorOf(::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096)),
            EOPNOTSUPP);
}

TEST_F(AllocTest, TheCreatorsDescriptorMapsTheMemory) {
  const UniqueFd fd = Allocate(Path("mine"), kBytes);
  const Mapping mapping(fd.get(), kBytes, PROT_READ | PROT_WRITE);
  const auto data = Marked(kBytes, 1);
  std::ranges::copy(data, mapping.data());
  ASSERT_EQ(::msync(mapping.data(), kBytes, MS_SYNC), 0);
  EXPECT_EQ(ReadFile(Path("mine")), data);
  EXPECT_TRUE(std::ranges::equal(MapAndClose(Path("mine")).bytes(), data));
}

TEST_F(AllocTest, AnotherProcessSeesWhatOneWrites) {
  const UniqueFd fd = Allocate(Path("mine"), kBytes);
  const Mapping mapping(fd.get(), kBytes, PROT_READ | PROT_WRITE);
  Child child([&](Child::Parent parent) {
    const Mapping other = MapAndClose(Path("mine"), PROT_READ | PROT_WRITE);
    parent.Tell();
    parent.Await();
    const bool seen = other.data()[kBytes - 1] == std::byte{42};
    other.data()[0] = std::byte{43};
    parent.Tell();
    return seen ? 0 : 1;
  });
  child.Await();
  mapping.data()[kBytes - 1] = std::byte{42};
  child.Tell();
  child.Await();
  EXPECT_EQ(mapping.data()[0], std::byte{43});
  EXPECT_EQ(child.Wait(), 0);
}

TEST_F(AllocTest, WritesGrowTheFileAsOnTmpfs) {
  const auto data = Marked(100'000, 2);
  {
    const UniqueFd fd = Allocate(Path("mine"), 0);
    ASSERT_EQ(::write(fd.get(), data.data(), data.size()), static_cast<ssize_t>(data.size()));
    ASSERT_EQ(::pwrite(fd.get(), data.data(), 10, 200'000), 10);
    EXPECT_EQ(StatFd(fd.get()).st_size, 200'010);
  }
  const auto contents = ReadFile(Path("mine"));
  ASSERT_EQ(contents.size(), 200'010U);
  EXPECT_TRUE(std::equal(data.begin(), data.end(), contents.begin()));
  EXPECT_EQ(contents[150'000], std::byte{0});
}

TEST_F(AllocTest, OrdinaryProgramsUseItAsAnyDirectory) {
  const auto data = Marked(kBytes, 3);
  const std::string outside = MakeScratchDirectory("data") + "/file";
  CreateFile(outside, data);
  const CommandResult result = RunShell(
      "set -e; cd " + mount().Path("alloc") + "; cp " + outside +
      " a; cp a b; mv b c; cmp a c; dd if=a of=d bs=64k status=none; cmp a d; "
      "echo more >> d; rm a; truncate -s 5000 c; stat -c %s c; chmod 640 c; touch -d @77 c; "
      "stat -c '%a %Y' c; ls");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "5000\n640 77\nc\nd\nsim0\n");
}

TEST_F(AllocTest, OTruncEmptiesAFile) {
  { Allocate(Path("mine"), kBytes); }
  { const UniqueFd fd = Open(Path("mine"), O_RDWR | O_TRUNC); }
  EXPECT_EQ(Stat(Path("mine")).st_size, 0);
  EXPECT_EQ(Taken(), 0U);
}

TEST_F(AllocTest, ShrinkingAndGrowingShowsZeros) {
  const UniqueFd fd = Allocate(Path("mine"), kBytes);
  const auto data = Marked(kBytes, 4);
  ASSERT_EQ(::pwrite(fd.get(), data.data(), kBytes, 0), static_cast<ssize_t>(kBytes));
  ASSERT_EQ(::ftruncate(fd.get(), 1000), 0);
  EXPECT_EQ(Taken(), 1000U);
  ASSERT_EQ(::ftruncate(fd.get(), 2000), 0);
  const auto contents = ReadFile(Path("mine"));
  EXPECT_TRUE(std::equal(data.begin(), data.begin() + 1000, contents.begin()));
  EXPECT_EQ(std::ranges::count(contents, std::byte{0}),
            1000 + std::count(data.begin(), data.begin() + 1000, std::byte{0}));
}

TEST_F(AllocTest, UnlinkFreesAtTheLastClose) {
  UniqueFd fd = Allocate(Path("mine"), kBytes);
  ASSERT_EQ(::unlink(Path("mine").c_str()), 0);
  EXPECT_FALSE(Exists(Path("mine")));
  EXPECT_EQ(StatFd(fd.get()).st_nlink, 0U);
  EXPECT_EQ(ReadAll(fd.get()).size(), kBytes);
  EXPECT_EQ(Taken(), kBytes);
  fd.reset();
  EXPECT_TRUE(AllIsFree());
}

TEST_F(AllocTest, UnlinkFreesAtTheLastMunmap) {
  Allocate(Path("mine"), kBytes);
  Mapping mapping = MapAndClose(Path("mine"), PROT_READ | PROT_WRITE);
  ASSERT_EQ(::unlink(Path("mine").c_str()), 0);
  mapping.data()[0] = std::byte{1};
  EXPECT_EQ(Taken(), kBytes) << "memory that is mapped counts";
  {
    Child child([&](Child::Parent parent) {
      parent.Tell();
      parent.Await();
      return mapping.data()[0] == std::byte{1} ? 0 : 1;
    });
    child.Await();
    mapping.Unmap();
    EXPECT_EQ(Taken(), kBytes) << "the child has it mapped still";
    child.Tell();
    EXPECT_EQ(child.Wait(), 0);
  }
  EXPECT_TRUE(AllIsFree());
}

TEST_F(AllocTest, RenameWorksWithinAlloc) {
  Allocate(Path("a"), 4096);
  Allocate(Path("b"), 8192);
  const ino_t inode = Stat(Path("a")).st_ino;
  ASSERT_EQ(::rename(Path("a").c_str(), Path("b").c_str()), 0);
  EXPECT_EQ(Names(), std::vector<std::string>{"b"});
  EXPECT_EQ(Stat(Path("b")).st_ino, inode);
  EXPECT_TRUE(WaitUntil([this] { return Taken() == 4096; }));
  Allocate(Path("c"), 0);
  EXPECT_EQ(ErrorOf(::renameat2(AT_FDCWD, Path("b").c_str(), AT_FDCWD, Path("c").c_str(),
                                RENAME_NOREPLACE)),
            EEXIST);
  ASSERT_EQ(::renameat2(AT_FDCWD, Path("b").c_str(), AT_FDCWD, Path("c").c_str(), RENAME_EXCHANGE),
            0);
  EXPECT_EQ(Stat(Path("c")).st_ino, inode);
  EXPECT_EQ(ErrorOf(::rename(Path("c").c_str(), device().Path("c").c_str())), EPERM);
  EXPECT_EQ(ErrorOf(::rename(Path("nothing").c_str(), Path("d").c_str())), ENOENT);
}

TEST_F(AllocTest, OnlyFilesCanBeMade) {
  EXPECT_EQ(ErrorOf(::mkdir(Path("d").c_str(), 0755)), EPERM);
  EXPECT_EQ(ErrorOf(::symlink("x", Path("s").c_str())), EPERM);
  EXPECT_EQ(ErrorOf(::mkfifo(Path("f").c_str(), 0644)), EPERM);
  Allocate(Path("a"), 1);
  EXPECT_EQ(ErrorOf(::link(Path("a").c_str(), Path("l").c_str())), EPERM);
  EXPECT_EQ(ErrorOf(::unlink(Path("sim0").c_str())), EISDIR);
  EXPECT_EQ(AllocateError(mount().Path("file"), 1), EPERM);
  EXPECT_EQ(AllocateError(device().Path("file"), 1), EPERM);
  EXPECT_EQ(AllocateError(Path(std::string(256, 'x')), 1), ENAMETOOLONG);
}

TEST_F(AllocTest, ResizingIsRefusedWhileOthersMapTheFile) {
  const UniqueFd fd = Allocate(Path("mine"), kBytes);
  Child child([&](Child::Parent parent) {
    const Mapping mapping = MapAndClose(Path("mine"));
    parent.Tell();
    parent.Await();
    return 0;
  });
  child.Await();
  EXPECT_EQ(ErrorOf(::ftruncate(fd.get(), 4096)), EBUSY);
  EXPECT_EQ(ErrorOf(::ftruncate(fd.get(), 2 * kBytes)), EBUSY);
  EXPECT_EQ(ErrorOf(::truncate(Path("mine").c_str(), 0)), EBUSY);
  EXPECT_EQ(StatFd(fd.get()).st_size, static_cast<off_t>(kBytes));
  child.Tell();
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_TRUE(WaitUntil([&] { return ::ftruncate(fd.get(), 4096) == 0; }));
}

TEST_F(AllocTest, WhoMapsAFileMayResizeIt) {
  const UniqueFd fd = Allocate(Path("mine"), 8192);
  const Mapping mapping(fd.get(), 8192, PROT_READ | PROT_WRITE);
  mapping.data()[0] = std::byte{9};
  ASSERT_EQ(::ftruncate(fd.get(), kBytes), 0) << std::strerror(errno);
  EXPECT_EQ(ReadFile(Path("mine")).at(0), std::byte{9});
}

TEST_F(AllocTest, TheUsersOwnExtendedAttributesStay) {
  Allocate(Path("mine"), 1);
  ASSERT_EQ(::setxattr(Path("mine").c_str(), "user.note", "abc", 3, XATTR_CREATE), 0);
  char value[8] = {};
  EXPECT_EQ(::getxattr(Path("mine").c_str(), "user.note", value, sizeof value), 3);
  EXPECT_STREQ(value, "abc");
  EXPECT_EQ(ErrorOf(::setxattr(Path("mine").c_str(), "user.note", "d", 1, XATTR_CREATE)), EEXIST);
  EXPECT_EQ(ErrorOf(::setxattr(Path("mine").c_str(), "user.none", "d", 1, XATTR_REPLACE)), ENODATA);
  EXPECT_EQ(ErrorOf(::setxattr(Path("mine").c_str(), "user.grabfs.sequence", "1", 1, 0)), EPERM);
  const std::string large(5000, 'x');
  EXPECT_EQ(ErrorOf(::setxattr(Path("mine").c_str(), "user.big", large.data(), large.size(), 0)),
            ENOSPC);
  ASSERT_EQ(::removexattr(Path("mine").c_str(), "user.note"), 0);
  EXPECT_EQ(ErrorOf(::removexattr(Path("mine").c_str(), "user.note")), ENODATA);
}

TEST_F(AllocTest, AFileIsBoundToADeviceByItsPlaceOrByItsAttribute) {
  Allocate(Path("sim0/a"), 4096);
  EXPECT_EQ(Xattr(Path("sim0/a"), "device"), "sim0");
  EXPECT_EQ(List(Path("sim0")), std::vector<std::string>{"a"});
  Allocate(Path("b"), 4096);
  EXPECT_EQ(Xattr(Path("b"), "device"), "");
  EXPECT_EQ(ErrorOf(::rename(Path("b").c_str(), Path("sim0/b").c_str())), EXDEV);
  ASSERT_EQ(::setxattr(Path("b").c_str(), "user.grabfs.device", "sim0", 4, 0), 0);
  EXPECT_EQ(Xattr(Path("b"), "device"), "sim0");
  EXPECT_EQ(::rename(Path("b").c_str(), Path("sim0/b").c_str()), 0);
  EXPECT_EQ(::rename(Path("sim0/b").c_str(), Path("b").c_str()), 0);
  EXPECT_EQ(Xattr(Path("b"), "device"), "sim0") << "it stays bound";
  ASSERT_EQ(::removexattr(Path("b").c_str(), "user.grabfs.device"), 0);
  EXPECT_EQ(Xattr(Path("b"), "device"), "");
  EXPECT_EQ(ErrorOf(::setxattr(Path("b").c_str(), "user.grabfs.device", "none", 4, 0)), ENODEV);
}

TEST_F(AllocTest, AThousandFilesAreListedWhileTheyComeAndGo) {
  for (int i = 0; i < 1000; i++) Allocate(Path("f" + std::to_string(i)), 0);
  EXPECT_EQ(Names().size(), 1000U);
  for (int i = 0; i < 1000; i += 2) ::unlink(Path("f" + std::to_string(i)).c_str());
  EXPECT_EQ(Names().size(), 500U);
}

TEST_F(AllocTest, TheMemoryIsMadeOfLargePagesWherePossible) {
  if (ActiveDataPath() != DataPath::kPassthrough) GTEST_SKIP() << "the mapping is FUSE's own cache";
  const UniqueFd fd = Allocate(Path("mine"), uint64_t{8} << 20);
  EXPECT_EQ(RunShell("grep -s . /sys/kernel/mm/transparent_hugepage/shmem_enabled").status, 0);
  const Mapping mapping(fd.get(), size_t{8} << 20, PROT_READ | PROT_WRITE);
  EXPECT_EQ(mapping.data()[0], std::byte{0});
}

TEST_F(AllocTest, StatfsTellsWhatIsFree) {
  Start({{kDevice}, {"alloc_size=64M", "alloc_quota=32M"}});
  struct statvfs info {};
  ASSERT_EQ(::statvfs(mount().Path("alloc").c_str(), &info), 0);
  EXPECT_EQ(info.f_blocks * info.f_frsize, uint64_t{64} << 20);
  EXPECT_EQ(info.f_bavail * info.f_frsize, uint64_t{32} << 20);
  Allocate(Path("mine"), uint64_t{8} << 20);
  ASSERT_EQ(::statvfs(mount().Path("alloc").c_str(), &info), 0);
  EXPECT_EQ(info.f_bfree * info.f_frsize, uint64_t{56} << 20);
  EXPECT_EQ(info.f_bavail * info.f_frsize, uint64_t{24} << 20);
}

TEST_F(AllocTest, NobodyGetsMoreThanTheQuota) {
  Start({{kDevice}, {"alloc_size=64M", "alloc_quota=32M"}});
  EXPECT_EQ(AllocateError(Path("huge"), uint64_t{33} << 20), EDQUOT);
  EXPECT_EQ(Stat(Path("huge")).st_size, 0);
  Allocate(Path("a"), uint64_t{20} << 20);
  EXPECT_EQ(AllocateError(Path("b"), uint64_t{20} << 20), EDQUOT);
  Allocate(Path("c"), uint64_t{12} << 20);
  const UniqueFd fd = Open(Path("c"), O_RDWR | O_APPEND);
  EXPECT_EQ(ErrorOf(::write(fd.get(), "x", 1)), EDQUOT);
  ASSERT_EQ(::unlink(Path("a").c_str()), 0);
  EXPECT_TRUE(WaitUntil([&] { return ::write(fd.get(), "x", 1) == 1; }));
}

TEST_F(AllocTest, MemoryThatIsMappedCountsAgainstTheQuotaAlsoWithoutAName) {
  Start({{kDevice}, {"alloc_size=64M", "alloc_quota=32M"}});
  Allocate(Path("a"), uint64_t{20} << 20);
  Mapping mapping = MapAndClose(Path("a"));
  ASSERT_EQ(::unlink(Path("a").c_str()), 0);
  EXPECT_EQ(AllocateError(Path("b"), uint64_t{20} << 20), EDQUOT);
  mapping.Unmap();
  EXPECT_TRUE(WaitUntil([this] { return ::truncate(Path("b").c_str(), 20 << 20) == 0; }));
}

TEST_F(AllocTest, WhatTheMachineDoesNotHaveIsRefusedAtOnce) {
  Start({{kDevice}, {"alloc_size=100T", "alloc_quota=100T"}});
  EXPECT_EQ(AllocateError(Path("huge"), uint64_t{50} << 40), ENOSPC);
  Allocate(Path("small"), 1);
  EXPECT_EQ(Taken(), 1U);
}

TEST_F(AllocTest, TheDaemonEndsWhateverIsMapped) {
  const UniqueFd fd = Allocate(Path("mine"), kBytes);
  const Mapping mapping(fd.get(), kBytes, PROT_READ | PROT_WRITE);
  mount().Unmount();
  // On the cached path there is nobody any more to ask for a page.
  if (ActiveDataPath() == DataPath::kPassthrough) mapping.data()[0] = std::byte{1};
}

}  // namespace
}  // namespace grabfs::mount_test
