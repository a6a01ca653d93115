// SPDX-License-Identifier: Apache-2.0
//
// "Everything else behaves as on tmpfs": each operation is done twice, on a frame or buffer of the
// mount and on a tmpfs file with the same bytes, and must have the same outcome.
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "tests/mount/support/fixture.h"
#include "tests/mount/support/io_ring.h"

namespace grabfs::mount_test {
namespace {

class PosixTest : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    sequence_ = device().Capture(1);
    frame_ = Open(device().Frame(sequence_), O_RDONLY);
    twin_.reset(::memfd_create("twin", MFD_CLOEXEC));
    const std::vector<std::byte> pixels = ReadAll(frame_.get());
    ASSERT_EQ(::write(twin_.get(), pixels.data(), pixels.size()),
              static_cast<ssize_t>(pixels.size()));
    Rewind();
  }

  void Rewind() const {
    ::lseek(frame_.get(), 0, SEEK_SET);
    ::lseek(twin_.get(), 0, SEEK_SET);
  }

  // The result or -errno of `operation` is the same on both files.
  template <typename Operation>
  void ExpectSame(Operation operation) const {
    const auto outcome = [&](int fd) {
      const long result = operation(fd);
      return result < 0 ? -static_cast<long>(errno) : result;
    };
    const long expected = outcome(twin_.get());
    EXPECT_EQ(outcome(frame_.get()), expected);
  }

  // The contents that `copy` brings from the frame to an ordinary file.
  template <typename Copy>
  void ExpectCopies(Copy copy) const {
    const UniqueFd target(::memfd_create("target", MFD_CLOEXEC));
    copy(frame_.get(), target.get());
    ::lseek(target.get(), 0, SEEK_SET);
    EXPECT_TRUE(picture_.IsFrame(ReadAll(target.get()), sequence_));
  }

  uint64_t sequence_ = 0;
  UniqueFd frame_;
  UniqueFd twin_;
};

TEST_F(PosixTest, ReadingAndSeeking) {
  const auto bytes = static_cast<off_t>(picture_.bytes());
  std::array<char, 5000> chunk{};
  for (const off_t offset : {off_t{0}, off_t{1}, off_t{4095}, bytes - 1, bytes, bytes + 1}) {
    ExpectSame([&](int fd) { return ::pread(fd, chunk.data(), chunk.size(), offset); });
    for (const int whence : {SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE}) {
      Rewind();
      ExpectSame([&](int fd) { return ::lseek(fd, offset, whence); });
    }
  }
  ExpectSame([&](int fd) { return ::pread(fd, chunk.data(), chunk.size(), -1); });
  ExpectSame([&](int fd) { return ::lseek(fd, -1, SEEK_SET); });
}

TEST_F(PosixTest, VectoredReads) {
  std::vector<std::byte> one(100);
  std::vector<std::byte> two(picture_.bytes() - 100);
  const std::array<iovec, 2> parts{{{one.data(), one.size()}, {two.data(), two.size()}}};
  ASSERT_EQ(::preadv(frame_.get(), parts.data(), 2, 0), static_cast<ssize_t>(picture_.bytes()));
  one.insert(one.end(), two.begin(), two.end());
  EXPECT_TRUE(picture_.IsFrame(one, sequence_));
}

TEST_F(PosixTest, Sendfile) {
  ExpectCopies([&](int from, int to) {
    off_t offset = 0;
    while (::sendfile(to, from, &offset, picture_.bytes()) > 0) continue;
    EXPECT_EQ(offset, static_cast<off_t>(picture_.bytes()));
  });
}

// Between file systems of different kinds the kernel leaves copy_file_range to its caller, as it
// does for tmpfs; within one it must work.
TEST_F(PosixTest, CopyFileRangeFromAFrameToABuffer) {
  const UniqueFd buffer = Open(device().Buffer(kBuffers - 1), O_RDWR);
  off_t from = 0;
  off_t to = 0;
  const auto bytes = static_cast<off_t>(picture_.bytes());
  while (from < bytes) {
    const auto rest = static_cast<size_t>(bytes - from);
    ASSERT_GT(::copy_file_range(frame_.get(), &from, buffer.get(), &to, rest, 0), 0);
  }
  EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Buffer(kBuffers - 1)), sequence_));
}

TEST_F(PosixTest, SpliceThroughAPipe) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const UniqueFd out(pipe[0]);
  const UniqueFd in(pipe[1]);
  ExpectCopies([&](int from, int to) {
    ssize_t moved = 0;
    while ((moved = ::splice(from, nullptr, in.get(), nullptr, 4096, 0)) > 0) {
      ASSERT_EQ(::splice(out.get(), nullptr, to, nullptr, static_cast<size_t>(moved), 0), moved);
    }
    EXPECT_EQ(moved, 0);
  });
}

TEST_F(PosixTest, WritingAFrameOutOfItsMapping) {
  const Mapping mapping(frame_.get(), picture_.bytes());
  ExpectCopies([&](int, int to) {
    EXPECT_EQ(::write(to, mapping.data(), mapping.size()), static_cast<ssize_t>(mapping.size()));
  });
}

TEST_F(PosixTest, PollIsAlwaysReady) {
  const UniqueFd buffer = Open(device().Buffer(0), O_RDWR);
  for (const int fd : {frame_.get(), buffer.get(), twin_.get()}) {
    pollfd polled{fd, POLLIN | POLLOUT, 0};
    EXPECT_EQ(::poll(&polled, 1, 0), 1);
    EXPECT_EQ(polled.revents, POLLIN | POLLOUT);
  }
}

TEST_F(PosixTest, SyncingAndAdvice) {
  ExpectSame([](int fd) { return ::fsync(fd); });
  ExpectSame([](int fd) { return ::fdatasync(fd); });
  ExpectSame([](int fd) { return ::posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED); });
  ExpectSame([](int fd) { return ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); });
}

TEST_F(PosixTest, MappingFlagsAndProtections) {
  for (const int protection : {PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC}) {
    for (const int flags : {MAP_SHARED, MAP_PRIVATE, MAP_SHARED | MAP_POPULATE}) {
      ExpectSame([&](int fd) -> long {
        void* address = ::mmap(nullptr, picture_.bytes(), protection, flags, fd, 0);
        if (address == MAP_FAILED) return -1;
        return ::munmap(address, picture_.bytes());
      });
    }
  }
}

TEST_F(PosixTest, AMappingCanMoveAndGrowUntoTheEnd) {
  const UniqueFd buffer = Open(device().Buffer(0), O_RDWR);
  for (const int fd : {frame_.get(), buffer.get()}) {
    void* address = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
    ASSERT_NE(address, MAP_FAILED);
    void* moved = ::mremap(address, 4096, picture_.bytes(), MREMAP_MAYMOVE);
    ASSERT_NE(moved, MAP_FAILED);
    const Mapping fresh(fd, picture_.bytes());
    EXPECT_EQ(std::memcmp(moved, fresh.data(), picture_.bytes()), 0);
    ::munmap(moved, picture_.bytes());
  }
}

TEST_F(PosixTest, ProtectionOfASharedBufferMappingCanChange) {
  const UniqueFd buffer = Open(device().Buffer(0), O_RDWR);
  const Mapping mapping(buffer.get(), picture_.bytes());
  ASSERT_EQ(ErrorOf(::mprotect(mapping.data(), mapping.size(), PROT_READ | PROT_WRITE)), 0);
  std::memset(mapping.data(), 0x5A, mapping.size());
  ASSERT_EQ(ErrorOf(::mprotect(mapping.data(), mapping.size(), PROT_READ)), 0);
  EXPECT_EQ(ReadFile(device().Buffer(0)),
            std::vector<std::byte>(picture_.bytes(), std::byte{0x5A}));
}

TEST_F(PosixTest, AForkedChildWritesTheSameSharedPages) {
  const Mapping mapping = MapAndClose(device().Buffer(0), PROT_READ | PROT_WRITE);
  Child child([&](Child::Parent) {
    std::memset(mapping.data(), 0x3C, mapping.size());
    return 0;
  });
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_EQ(ReadFile(device().Buffer(0)),
            std::vector<std::byte>(picture_.bytes(), std::byte{0x3C}));
}

TEST_F(PosixTest, DirectReadsAtAnyAlignedOffset) {
  const UniqueFd direct = Open(device().Frame(sequence_), O_RDONLY | O_DIRECT);
  alignas(4096) static std::array<std::byte, 4096> page;
  const Mapping mapping(frame_.get(), picture_.bytes());
  for (size_t offset = 0; offset < picture_.bytes(); offset += page.size()) {
    const size_t expected = std::min(page.size(), picture_.bytes() - offset);
    ASSERT_EQ(::pread(direct.get(), page.data(), page.size(), static_cast<off_t>(offset)),
              static_cast<ssize_t>(expected));
    EXPECT_EQ(std::memcmp(page.data(), mapping.data() + offset, expected), 0);
  }
}

TEST_F(PosixTest, IoUringReadsIntoRegisteredBuffers) {
  std::optional<IoRing> ring = IoRing::Create();
  if (!ring) GTEST_SKIP() << "io_uring is switched off on this machine";
  std::vector<std::byte> pixels(picture_.bytes());
  ASSERT_EQ(ring->RegisterBuffer(pixels), 0);
  EXPECT_EQ(ring->ReadFixed(frame_.get(), 0), static_cast<int>(pixels.size()));
  EXPECT_TRUE(picture_.IsFrame(pixels, sequence_));
}

// io_uring asks poll() before it writes: what is never ready is never written.
TEST_F(PosixTest, IoUringWritesFromRegisteredBuffers) {
  std::optional<IoRing> ring = IoRing::Create();
  if (!ring) GTEST_SKIP() << "io_uring is switched off on this machine";
  std::vector<std::byte> pixels(picture_.bytes(), std::byte{0x7E});
  ASSERT_EQ(ring->RegisterBuffer(pixels), 0);
  const UniqueFd buffer = Open(device().Buffer(0), O_RDWR);
  EXPECT_EQ(ring->WriteFixed(buffer.get(), 0, pixels.size()), static_cast<int>(pixels.size()));
  EXPECT_EQ(ReadFile(device().Buffer(0)), pixels);
}

TEST_F(PosixTest, IoUringTakesAMappedBufferAsARegisteredOne) {
  if (ActiveDataPath() != DataPath::kPassthrough) {
    GTEST_SKIP() << "the kernel pins no pages for writing in the cache of FUSE";
  }
  std::optional<IoRing> ring = IoRing::Create();
  if (!ring) GTEST_SKIP() << "io_uring is switched off on this machine";
  const Mapping buffer = MapAndClose(device().Buffer(0), PROT_READ | PROT_WRITE);
  ASSERT_EQ(ring->RegisterBuffer(buffer.writable()), 0);
  EXPECT_EQ(ring->ReadFixed(twin_.get(), 0), static_cast<int>(picture_.bytes()));
  EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Buffer(0)), sequence_));
}

}  // namespace
}  // namespace grabfs::mount_test
