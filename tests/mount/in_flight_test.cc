// SPDX-License-Identifier: Apache-2.0
//
// Bytes on their way: what a reader has sent off by splice, sendfile or tee stays that frame until
// it has arrived, whatever has been closed meanwhile. Nothing here reads a frame before it is sent
// off: what it is compared with is a copy made through a mapping, of which the kernel tells nobody.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/mount/ring_client.h"
#include "tests/mount/support/channel.h"
#include "tests/mount/support/fixture.h"
#include "tests/mount/support/io_ring.h"

namespace grabfs::mount_test {
namespace {

// Enough further frames that every buffer which can be reused has been.
constexpr unsigned kManyFrames = 4 * kBuffers;

struct Size {
  const char* name;
  const char* format;
  uint32_t width;
  uint32_t height;
};

class InFlight : public MountTest, public ::testing::WithParamInterface<Size> {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    const Size& size = GetParam();
    Start({{"sim0=pattern,format=" + std::string(size.format) +
            ",width=" + std::to_string(size.width) + ",height=" + std::to_string(size.height) +
            ",rate=0,buffers=" + std::to_string(kBuffers) + ",state=stopped"},
           {}});
    bytes_ = device().Status().at("bytes");
  }

  // Opens a new frame, and has a copy of it.
  UniqueFd OpenNew() {
    sequence_ = device().Capture(1);
    UniqueFd fd = Open(device().Frame(sequence_), O_RDONLY);
    Copy(fd.get());
    return fd;
  }
  void Copy(int fd) {
    const Mapping mapping(fd, bytes_);
    frame_.assign(mapping.bytes().begin(), mapping.bytes().end());
    const Picture picture(GetParam().format, GetParam().width, GetParam().height);
    ASSERT_TRUE(picture.IsFrame(frame_, sequence_));
  }

  // The module sees what is on its way: the frame stays until that has arrived, and needs no new
  // pages.
  [[nodiscard]] bool StaysMeanwhile() const { return device().Status().at("in_flight") == "seen"; }

  // Captures round the ring: every buffer that can be was filled again.
  void Overwrite() const {
    if (!StaysMeanwhile()) {
      EXPECT_TRUE(device().IsRecycled(sequence_)) << device().Status().dump();
    }
    device().Capture(kManyFrames);
  }

  // What has arrived is the frame from this byte on.
  void ExpectArrived(const Channel& channel, size_t from, size_t bytes) const {
    const std::vector<std::byte> got = channel.Receive();
    ASSERT_EQ(got.size(), bytes);
    const auto wrong = std::ranges::mismatch(got, std::span(frame_).subspan(from, bytes)).in1;
    EXPECT_EQ(wrong, got.end()) << "byte " << from + static_cast<size_t>(wrong - got.begin())
                                << " of " << bytes_ << " is another frame's";
  }

  uint64_t bytes_ = 0;
  uint64_t sequence_ = 0;
  std::vector<std::byte> frame_;
};

TEST_P(InFlight, WhatIsSplicedToAPipeStays) {
  UniqueFd fd = OpenNew();
  const Channel head = Channel::Pipe();
  const Channel tail = Channel::Pipe();
  const size_t part = std::min<uint64_t>(bytes_, 60'000);
  const size_t of_head = head.Splice(fd.get(), 0, bytes_);
  ASSERT_GE(of_head, part);
  ASSERT_EQ(tail.Splice(fd.get(), static_cast<off_t>(bytes_ - part), part), part);
  fd.reset();
  Overwrite();
  ExpectArrived(head, 0, of_head);
  ExpectArrived(tail, bytes_ - part, part);
}

TEST_P(InFlight, WhatIsSentToASocketStays) {
  UniqueFd fd = OpenNew();
  const Channel channel = Channel::Sockets();
  const size_t sent = channel.SendFile(fd.get(), 0, bytes_);
  ASSERT_GT(sent, 0U);
  fd.reset();
  Overwrite();
  ExpectArrived(channel, 0, sent);
}

TEST_P(InFlight, WhatIsTeedStays) {
  UniqueFd fd = OpenNew();
  const Channel first = Channel::Pipe();
  const Channel second = Channel::Pipe();
  const size_t moved = first.Splice(fd.get(), 0, bytes_);
  const ssize_t teed = ::tee(first.out(), second.in(), moved, SPLICE_F_NONBLOCK);
  ASSERT_GT(teed, 0);
  fd.reset();
  ExpectArrived(first, 0, moved);
  Overwrite();
  ExpectArrived(second, 0, static_cast<size_t>(teed));
}

TEST_P(InFlight, WhatIsSplicedThroughIoUringStays) {
  auto ring = IoRing::Create();
  if (!ring) GTEST_SKIP() << "no io_uring here";
  UniqueFd fd = OpenNew();
  const Channel channel = Channel::Pipe();
  const int moved = ring->Splice(fd.get(), 0, channel.in(), 40'000);
  ASSERT_GT(moved, 0);
  fd.reset();
  Overwrite();
  ExpectArrived(channel, 0, static_cast<size_t>(moved));
}

TEST_P(InFlight, LatestIsTheSameFrame) {
  sequence_ = device().Capture(1);
  UniqueFd fd = Open(device().latest(), O_RDONLY);
  Copy(fd.get());
  const Channel channel = Channel::Pipe();
  const size_t moved = channel.Splice(fd.get(), 0, bytes_);
  fd.reset();
  Overwrite();
  ExpectArrived(channel, 0, moved);
}

TEST_P(InFlight, WhatAChildSplicesAfterItsParentHasClosedStays) {
  UniqueFd fd = OpenNew();
  const Channel channel = Channel::Pipe();
  Child child([&](Child::Parent parent) {
    parent.Await();
    const bool spliced = channel.Splice(fd.get(), 0, bytes_) > 0;
    return spliced ? 0 : 1;
  });
  fd.reset();
  child.Tell();
  ASSERT_EQ(child.Wait(), 0);
  Overwrite();
  const std::vector<std::byte> got = channel.Receive();
  EXPECT_TRUE(std::ranges::equal(got, std::span(frame_).first(got.size())));
}

TEST_P(InFlight, WhatAKilledProgramHasSentStays) {
  UniqueFd fd = OpenNew();
  const Channel channel = Channel::Sockets();
  Child child([&](Child::Parent parent) {
    // Until the socket is full, and then it waits for ever.
    (void)::fcntl(channel.in(), F_SETFL, 0);
    off_t from = 0;
    parent.Tell();
    while (from < static_cast<off_t>(bytes_) &&
           ::sendfile(channel.in(), fd.get(), &from, bytes_) > 0) {
    }
    parent.Await();
    return 0;
  });
  fd.reset();
  child.Await();
  int queued = 0;
  EXPECT_TRUE(
      WaitUntil([&] { return ::ioctl(channel.out(), FIONREAD, &queued) == 0 && queued > 0; }));
  child.Kill();
  Overwrite();
  const std::vector<std::byte> got = channel.Receive();
  ASSERT_GT(got.size(), 0U);
  EXPECT_TRUE(std::ranges::equal(got, std::span(frame_).first(got.size())));
}

TEST_P(InFlight, WhatIsSplicedUnderALockStays) {
  device().Capture(kBuffers);
  const std::string path = device().Buffer(1);
  UniqueFd fd = Open(path, O_RDONLY);
  ASSERT_EQ(::flock(fd.get(), LOCK_SH), 0);
  sequence_ = std::stoull(XattrFd(fd.get(), "sequence"));
  Copy(fd.get());
  const Channel channel = Channel::Pipe();
  const size_t moved = channel.Splice(fd.get(), 0, bytes_);
  ASSERT_EQ(::flock(fd.get(), LOCK_UN), 0);
  Overwrite();
  const auto is_filled_again = [&] {
    device().Capture(1);
    return Xattr(path, "sequence") != std::to_string(sequence_);
  };
  EXPECT_TRUE(StaysMeanwhile() || WaitUntil(is_filled_again));
  ExpectArrived(channel, 0, moved);
  EXPECT_TRUE(WaitUntil(is_filled_again)) << "the buffer does not come back";
}

// Who holds the frame by its name may send it off from its buffer.
TEST_P(InFlight, WhatAHolderSplicesFromTheBufferStays) {
  UniqueFd holder = OpenNew();
  unsigned index = 0;
  while (Xattr(device().Buffer(index), "sequence") != std::to_string(sequence_)) ++index;
  UniqueFd fd = Open(device().Buffer(index), O_RDONLY);
  const Channel channel = Channel::Pipe();
  const size_t moved = channel.Splice(fd.get(), 0, bytes_);
  fd.reset();
  holder.reset();
  Overwrite();
  ExpectArrived(channel, 0, moved);
}

// The daemon is not told when he lets go, nor when he closes.
TEST_P(InFlight, WhatAReaderOfTheRingSplicesFromTheBufferStays) {
  if (ActiveDataPath() != DataPath::kPassthrough) GTEST_SKIP() << "no ring here";
  RingClient reader(device());
  sequence_ = device().Capture(kBuffers);
  ASSERT_EQ(reader.HoldNewest(), sequence_);
  frame_.assign(reader.pixels().begin(), reader.pixels().end());
  // The daemon looks what was read, and then not for a moment.
  const unsigned other = (reader.frame.slot + 1) % kBuffers;
  (void)ReadFile(device().Buffer(other));
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  UniqueFd fd = Open(device().Buffer(reader.frame.slot), O_RDONLY);
  const Channel channel = Channel::Pipe();
  const size_t moved = channel.Splice(fd.get(), 0, bytes_);
  fd.reset();
  reader.Release();
  // Without looking at anything for which the daemon looks what was read.
  device().Set("trigger", std::to_string(kManyFrames));
  const uint64_t end = sequence_ + 1 + kManyFrames;
  EXPECT_TRUE(WaitUntil([&] { return reader.ring.ring->next_sequence >= end; }));
  ExpectArrived(channel, 0, moved);
}

// A handle finds the file where no name leads to it any more: with passthrough nobody would tell
// what is read from it, so there is none.
TEST_P(InFlight, WhatIsSplicedFromAHandleStays) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root opens handles";
  sequence_ = device().Capture(1);
  struct {
    file_handle header;
    unsigned char space[MAX_HANDLE_SZ];
  } handle = {};
  handle.header.handle_bytes = sizeof handle.space;
  int mount_id = 0;
  const std::string frame = device().Frame(sequence_);
  const int error =
      ErrorOf(::name_to_handle_at(AT_FDCWD, frame.c_str(), &handle.header, &mount_id, 0));
  ASSERT_EQ(error, ActiveDataPath() == DataPath::kPassthrough ? EOPNOTSUPP : 0);
  if (error != 0) return;
  const UniqueFd pin(CheckSyscall(::inotify_init1(IN_CLOEXEC), "inotify"));
  CheckSyscall(::inotify_add_watch(pin.get(), frame.c_str(), IN_ATTRIB), "watch");
  std::ofstream("/proc/sys/vm/drop_caches") << 2;
  const UniqueFd root = Open(mount().path(), O_RDONLY | O_DIRECTORY);
  UniqueFd fd(CheckSyscall(::open_by_handle_at(root.get(), &handle.header, O_RDONLY), frame));
  Copy(fd.get());
  const Channel channel = Channel::Pipe();
  const size_t moved = channel.Splice(fd.get(), 0, bytes_);
  fd.reset();
  Overwrite();
  ExpectArrived(channel, 0, moved);
}

INSTANTIATE_TEST_SUITE_P(Sizes, InFlight,
                         ::testing::Values(Size{"LessThanFourPages", "GREY", 130, 94},
                                           Size{"OddEnd", "GREY", 350, 878},
                                           Size{"OneMillion", "GREY", 1000, 1000},
                                           Size{"LargePages", "BGR4", 1920, 1080}),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace grabfs::mount_test
