// SPDX-License-Identifier: Apache-2.0
//
// Asynchronous reads of what is read like a pipe: they wait as read() does, although the size of
// such a file is 0, and those that wait leave room for others.
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/mount/support/fixture.h"
#include "tests/mount/support/io_ring.h"

namespace grabfs::mount_test {
namespace {

constexpr size_t kChunk = 65536;

// Linux's own asynchronous reads, as of libaio: one for each file.
class AsyncReads {
 public:
  explicit AsyncReads(unsigned most) {
    CheckSyscall(::syscall(SYS_io_setup, most, &context_), "io_setup");
  }
  ~AsyncReads() { ::syscall(SYS_io_destroy, context_); }
  AsyncReads(const AsyncReads&) = delete;
  AsyncReads& operator=(const AsyncReads&) = delete;

  void Begin(int fd) {
    buffers_.emplace_back(kChunk);
    iocb read = {};
    read.aio_fildes = static_cast<uint32_t>(fd);
    read.aio_lio_opcode = IOCB_CMD_PREAD;
    read.aio_buf = reinterpret_cast<uintptr_t>(buffers_.back().data());
    read.aio_nbytes = kChunk;
    iocb* list[] = {&read};
    CheckSyscall(::syscall(SYS_io_submit, context_, 1, list), "io_submit");
  }
  // How many have ended within no time.
  [[nodiscard]] long Ended() {
    io_event event = {};
    timespec no_time = {};
    return ::syscall(SYS_io_getevents, context_, 0, 1, &event, &no_time);
  }
  // What the next one that ends has read: bytes, or -errno.
  [[nodiscard]] int64_t Await() {
    io_event event = {};
    timespec patience = {.tv_sec = kPatience.count(), .tv_nsec = 0};
    const long ended = ::syscall(SYS_io_getevents, context_, 1, 1, &event, &patience);
    if (ended != 1) throw std::runtime_error("an asynchronous read does not end");
    return event.res;
  }

 private:
  aio_context_t context_ = 0;
  std::vector<std::vector<char>> buffers_;
};

class AsyncReadTest : public MountTest {
 protected:
  static constexpr std::array kEndless = {"events", "stream.raw", "stream-lossless.raw"};
};

TEST_F(AsyncReadTest, ItWaitsForWhatComes) {
  for (const char* const name : kEndless) {
    for (const int flags : {O_RDONLY, O_RDONLY | O_DIRECT}) {
      const UniqueFd fd = Open(device().Path(name), flags);
      AsyncReads reads(1);
      reads.Begin(fd.get());
      EXPECT_EQ(Stat(device().Path(name)).st_size, 0);
      EXPECT_EQ(StatFd(fd.get()).st_size, 0);
      EXPECT_EQ(reads.Ended(), 0) << name;
      device().Capture(1);
      EXPECT_GT(reads.Await(), 0) << name;
    }
  }
}

TEST_F(AsyncReadTest, ItIsAsGoodAfterSomebodyHasAskedForTheSize) {
  for (const char* const name : kEndless) {
    const UniqueFd fd = Open(device().Path(name), O_RDONLY);
    EXPECT_EQ(Stat(device().Path(name)).st_size, 0);
    EXPECT_EQ(StatFd(fd.get()).st_size, 0);
    AsyncReads reads(1);
    reads.Begin(fd.get());
    device().Capture(1);
    EXPECT_GT(reads.Await(), 0) << name;
  }
}

TEST_F(AsyncReadTest, ByIoUringToo) {
  std::optional<IoRing> ring = IoRing::Create();
  if (!ring) GTEST_SKIP() << "there is no io_uring here";
  alignas(4096) static std::array<std::byte, 4096> buffer;
  ASSERT_EQ(ring->RegisterBuffer(buffer), 0);
  for (const char* const name : kEndless) {
    const UniqueFd fd = Open(device().Path(name), O_RDONLY);
    EXPECT_EQ(StatFd(fd.get()).st_size, 0);
    device().Capture(1);
    EXPECT_GT(ring->ReadFixed(fd.get(), 0), 0) << name;
  }
}

// The kernel has a certain number of requests under way that nobody waits for, closing among them.
TEST_F(AsyncReadTest, ThoseThatWaitLeaveRoomForClosing) {
  constexpr unsigned kReaders = 40;
  UniqueFd frame = Open(device().Frame(device().Capture(1)), O_RDONLY);
  std::vector<UniqueFd> files;
  AsyncReads reads(kReaders);
  for (unsigned i = 0; i < kReaders; ++i) {
    files.push_back(Open(device().Path("events"), O_RDONLY));
    reads.Begin(files.back().get());
  }
  EXPECT_EQ(reads.Ended(), 0);
  EXPECT_EQ(device().Status().at("buffers").at("held"), 1);
  frame.reset();
  EXPECT_TRUE(WaitUntil([this] { return device().Status().at("buffers").at("held") == 0; }));
  EXPECT_EQ(reads.Ended(), 0);
  device().Capture(1);
  for (unsigned i = 0; i < kReaders; ++i) EXPECT_GT(reads.Await(), 0);
}

TEST_F(AsyncReadTest, WithoutWaitingItIsEAGAIN) {
  for (const char* const name : kEndless) {
    const UniqueFd fd = Open(device().Path(name), O_RDONLY | O_NONBLOCK);
    char byte = 0;
    EXPECT_EQ(ErrorOf(::read(fd.get(), &byte, 1)), EAGAIN) << name;
    EXPECT_EQ(StatFd(fd.get()).st_size, 0) << name;
  }
}

}  // namespace
}  // namespace grabfs::mount_test
