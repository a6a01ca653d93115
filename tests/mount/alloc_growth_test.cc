// SPDX-License-Identifier: Apache-2.0
//
// Files of alloc/ that grow by being written to, memory reserved behind their end, and files that
// never have a name: as on tmpfs.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "tests/mount/support/alloc.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

class AllocGrowthTest : public MountTest {
 protected:
  [[nodiscard]] std::string Path(const std::string& name) const {
    return mount().Path("alloc/" + name);
  }
  [[nodiscard]] uint64_t Taken() const { return mount().Status().at("alloc").at("bytes"); }
  [[nodiscard]] bool TakesSoon(uint64_t bytes) const {
    return WaitUntil([&] { return Taken() == bytes; });
  }
};

TEST_F(AllocGrowthTest, AppendingInSmallPieces) {
  const auto data = Marked(1 << 20, 1);
  UniqueFd fd = Allocate(Path("log"), 0);
  const UniqueFd reader = Open(Path("log"), O_RDONLY);
  for (size_t offset = 0; offset < data.size(); offset += 4096) {
    ASSERT_EQ(::write(fd.get(), data.data() + offset, 4096), 4096);
    ASSERT_EQ(StatFd(fd.get()).st_size, static_cast<off_t>(offset + 4096));
    std::byte byte{};
    ASSERT_EQ(::pread(reader.get(), &byte, 1, offset + 4095), 1);
    ASSERT_EQ(byte, data[offset + 4095]);
    ASSERT_EQ(::pread(reader.get(), &byte, 1, offset + 4096), 0) << "exactly as long";
  }
  EXPECT_EQ(StatFd(fd.get()).st_blocks, 2048);
  fd.reset();
  EXPECT_EQ(ReadFile(Path("log")), data);
}

TEST_F(AllocGrowthTest, WhatWasReservedAheadIsGivenBackAtTheLastClose) {
  UniqueFd fd = Allocate(Path("log"), 0);
  ASSERT_EQ(::write(fd.get(), "abc", 3), 3);
  EXPECT_GE(Taken(), 3U);
  fd.reset();
  EXPECT_TRUE(TakesSoon(3));
}

TEST_F(AllocGrowthTest, WhatIsReservedAheadStandsInNobodysWay) {
  Start({{kDevice}, {"alloc_size=4M", "alloc_quota=2M"}});
  const UniqueFd log = Allocate(Path("log"), 0);
  ASSERT_EQ(::write(log.get(), Marked(512 << 10, 1).data(), 512 << 10), 512 << 10);
  Allocate(Path("rest"), (2048 - 512) << 10);
  EXPECT_EQ(ErrorOf(::write(log.get(), "x", 1)), EDQUOT);
}

TEST_F(AllocGrowthTest, TwoWhoAppendAtOnceLoseNothing) {
  constexpr int kLines = 2000;
  Allocate(Path("log"), 0);
  const auto append = [this](char letter) {
    const UniqueFd fd = Open(Path("log"), O_WRONLY | O_APPEND);
    const std::string line(100, letter);
    for (int i = 0; i < kLines; ++i) {
      if (::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        return errno;
      }
    }
    return 0;
  };
  Child a([&](Child::Parent) { return append('a'); });
  Child b([&](Child::Parent) { return append('b'); });
  EXPECT_EQ(a.Wait(), 0);
  EXPECT_EQ(b.Wait(), 0);
  const auto data = ReadFile(Path("log"));
  EXPECT_EQ(data.size(), 2U * kLines * 100);
  EXPECT_EQ(std::ranges::count(data, std::byte{'a'}), kLines * 100);
}

TEST_F(AllocGrowthTest, FallocateCanKeepTheSize) {
  const UniqueFd fd = Allocate(Path("mine"), 8192);
  ASSERT_EQ(ErrorOf(::fallocate(fd.get(), FALLOC_FL_KEEP_SIZE, 8192, 1 << 20)), 0);
  EXPECT_EQ(StatFd(fd.get()).st_size, 8192);
  EXPECT_EQ(StatFd(fd.get()).st_blocks, (8192 + (1 << 20)) / 512);
  EXPECT_EQ(Taken(), 8192U + (1 << 20));
  ASSERT_EQ(::pwrite(fd.get(), "x", 1, 1 << 19), 1);
  EXPECT_EQ(StatFd(fd.get()).st_size, (1 << 19) + 1);
  EXPECT_EQ(Taken(), 8192U + (1 << 20)) << "it had its memory";
  ASSERT_EQ(::ftruncate(fd.get(), 100), 0);
  EXPECT_EQ(Taken(), 100U);
}

TEST_F(AllocGrowthTest, AFileWithoutAName) {
  UniqueFd fd(::open(mount().Path("alloc").c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd.valid() && errno == EOPNOTSUPP) GTEST_SKIP() << "FUSE has it from Linux 6.2 on";
  ASSERT_TRUE(fd.valid()) << ErrnoText(errno);
  EXPECT_EQ(StatFd(fd.get()).st_nlink, 0U);
  ASSERT_EQ(::ftruncate(fd.get(), 100'000), 0);
  {
    const Mapping mapping(fd.get(), 100'000, PROT_READ | PROT_WRITE);
    mapping.data()[99'999] = std::byte{7};
    EXPECT_EQ(ReadAll(fd.get()).size(), 100'000U);
    EXPECT_EQ(List(mount().Path("alloc")), std::vector<std::string>{"sim0"});
    EXPECT_EQ(Taken(), 100'000U);
    const std::string link = "/proc/self/fd/" + std::to_string(fd.get());
    EXPECT_EQ(
        ErrorOf(::linkat(AT_FDCWD, link.c_str(), AT_FDCWD, Path("n").c_str(), AT_SYMLINK_FOLLOW)),
        EPERM);
    fd.reset();
    EXPECT_EQ(mapping.data()[99'999], std::byte{7});
    EXPECT_EQ(Taken(), 100'000U) << "somebody has it mapped";
  }
  EXPECT_TRUE(TakesSoon(0));
  EXPECT_EQ(mount().Status().at("alloc").at("files"), 0);
}

TEST_F(AllocGrowthTest, FilesWithoutANameBelongToADeviceAndNowhereElse) {
  const UniqueFd fd(
      ::open(mount().Path("alloc/sim0").c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd.valid() && errno == EOPNOTSUPP) GTEST_SKIP() << "FUSE has it from Linux 6.2 on";
  EXPECT_EQ(XattrFd(fd.get(), "device"), "sim0");
  EXPECT_EQ(OpenError(device().Path("frames"), O_TMPFILE | O_RDWR), EPERM);
}

}  // namespace
}  // namespace grabfs::mount_test
