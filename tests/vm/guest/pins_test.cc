// SPDX-License-Identifier: Apache-2.0
//
// memory=grabdma: devices of any kind on buffers of the module, which sees pages that are pinned or
// on their way whoever has unmapped or closed what. Memory of the daemon's own cannot stand these.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/aio_abi.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tests/mount/support/channel.h"
#include "tests/mount/support/fixture.h"
#include "tests/vm/guest/device.h"

namespace grabfs::vm {
namespace {

using mount_test::Channel;
using mount_test::Child;
using mount_test::Mapping;

constexpr unsigned kBuffers = 6;
constexpr size_t kPinned = 32768;

struct Camera {
  const char* name;
  const char* spec;
};

class PinsTest : public mount_test::EnvironmentTest, public testing::WithParamInterface<Camera> {
 protected:
  void SetUp() override {
    EnvironmentTest::SetUp();
    if (IsSkipped()) return;
    mount_.emplace(mount_test::MountSpec{
        {"sim0=" + std::string(GetParam().spec) + ",buffers=" + std::to_string(kBuffers) +
         ",memory=grabdma,state=streaming"},
        {}});
    AwaitFrames(2);
  }

  [[nodiscard]] mount_test::Device device() const { return mount_->GetDevice(); }
  void AwaitFrames(uint64_t count) const {
    const uint64_t until = device().NextSequence() + count;
    WaitUntil("frames", [&] { return device().NextSequence() >= until; });
  }
  // Every buffer that can be reused has been.
  void Overwrite() const { AwaitFrames(3 * kBuffers); }

  static void RaiseLoopback() {
    const UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    request.ifr_name[0] = 'l';
    request.ifr_name[1] = 'o';
    ASSERT_EQ(::ioctl(any.get(), SIOCGIFFLAGS, &request), 0);
    request.ifr_flags |= IFF_UP;
    ASSERT_EQ(::ioctl(any.get(), SIOCSIFFLAGS, &request), 0);
  }
  // Has the beginning of a mapping pinned by a pipe.
  static void Pin(const Channel& pipe, const Mapping& mapping) {
    const iovec part{mapping.data(), kPinned};
    ASSERT_EQ(::vmsplice(pipe.in(), &part, 1, SPLICE_F_NONBLOCK), static_cast<ssize_t>(kPinned));
  }
  [[nodiscard]] bool passed_through() const {
    return device().Status().at("data_path") == "passthrough";
  }
  static void ExpectArrived(const Channel& pipe, std::span<const std::byte> frame) {
    const auto arrived = pipe.Receive();
    ASSERT_FALSE(arrived.empty());
    EXPECT_TRUE(std::ranges::equal(arrived, frame.first(arrived.size())));
  }

  std::optional<mount_test::Mount> mount_;
};

TEST_P(PinsTest, TheMemoryIsTheModules) {
  const auto status = device().Status();
  EXPECT_EQ(status.at("in_flight"), passed_through() ? "seen" : "copied");
  EXPECT_EQ(status.at("counters").at("failed"), 0);
}

TEST_P(PinsTest, APinStaysWhenItsMappingIsGone) {
  const Channel pipe = Channel::Pipe();
  std::vector<std::byte> frame;
  {
    const Mapping mapping = mount_test::MapAndClose(device().latest());
    frame.assign(mapping.bytes().begin(), mapping.bytes().end());
    Pin(pipe, mapping);
  }
  Overwrite();
  ExpectArrived(pipe, frame);
}

TEST_P(PinsTest, APinStaysWhenItsProcessIsKilled) {
  const Channel pipe = Channel::Pipe();
  std::vector<std::byte> frame;
  {
    const Mapping mapping = mount_test::MapAndClose(device().latest());
    frame.assign(mapping.bytes().begin(), mapping.bytes().end());
    Child child([&](Child::Parent parent) {
      Pin(pipe, mapping);
      parent.Tell();
      parent.Await();
      return 0;
    });
    child.Await();
    child.Kill();
  }
  Overwrite();
  ExpectArrived(pipe, frame);
}

TEST_P(PinsTest, WhatIsSentWithoutACopyStaysWhenItsProcessIsKilled) {
  constexpr size_t kQueued = size_t{1} << 20;
  RaiseLoopback();
  const Channel connection = Channel::Tcp(kQueued);
  constexpr int kYes = 1;
  ASSERT_EQ(::setsockopt(connection.in(), SOL_SOCKET, SO_ZEROCOPY, &kYes, sizeof kYes), 0);
  std::vector<std::byte> frame;
  {
    const Mapping mapping = mount_test::MapAndClose(device().latest());
    frame.assign(mapping.bytes().begin(), mapping.bytes().end());
    Child child([&](Child::Parent parent) {
      const ssize_t sent = ::send(connection.in(), mapping.data(), kPinned, MSG_ZEROCOPY);
      EXPECT_EQ(sent, static_cast<ssize_t>(kPinned));
      parent.Tell();
      parent.Await();
      return 0;
    });
    child.Await();
    child.Kill();
  }
  Overwrite();
  EXPECT_EQ(connection.Receive(kQueued).size(), kQueued);
  const auto arrived = connection.Receive(kPinned);
  EXPECT_EQ(arrived.size(), kPinned);
  EXPECT_TRUE(std::ranges::equal(arrived, std::span(frame).first(arrived.size())));
}

// O_DIRECT to a disk that takes seconds (null_blk). Nobody sees its bytes; the buffer is not used.
TEST_P(PinsTest, ADiskHasItsBufferWhenTheMappingIsGone) {
  const UniqueFd disk = mount_test::Open("/dev/nullb0", O_WRONLY | O_DIRECT);
  aio_context_t context = 0;
  ASSERT_EQ(::syscall(SYS_io_setup, 1, &context), 0);
  {
    const Mapping mapping = mount_test::MapAndClose(device().latest());
    iocb request{};
    request.aio_lio_opcode = IOCB_CMD_PWRITE;
    request.aio_fildes = static_cast<uint32_t>(disk.get());
    request.aio_buf = reinterpret_cast<uintptr_t>(mapping.data());
    request.aio_nbytes = kPinned;
    iocb* const requests[] = {&request};
    ASSERT_EQ(::syscall(SYS_io_submit, context, 1, requests), 1);
  }
  if (passed_through()) {
    AwaitFrames(kBuffers);
    EXPECT_EQ(device().Status().at("buffers").at("held"), 1);
  }
  io_event event{};
  ASSERT_EQ(::syscall(SYS_io_getevents, context, 1, 1, &event, nullptr), 1);
  EXPECT_EQ(event.res, static_cast<int64_t>(kPinned));
  ::syscall(SYS_io_destroy, context);
  WaitUntil("the buffer", [&] { return device().Status().at("buffers").at("held") == 0; });
}

TEST_P(PinsTest, WhatIsSplicedAndSentStaysToo) {
  const Channel pipe = Channel::Pipe();
  const Channel sockets = Channel::Sockets();
  UniqueFd fd = mount_test::Open(device().latest(), O_RDONLY);
  const size_t bytes = static_cast<size_t>(mount_test::StatFd(fd.get()).st_size);
  std::vector<std::byte> frame;
  {
    const Mapping mapping(fd.get(), bytes);
    frame.assign(mapping.bytes().begin(), mapping.bytes().end());
  }
  EXPECT_GT(pipe.Splice(fd.get(), 0, bytes), 0U);
  EXPECT_GT(sockets.SendFile(fd.get(), 0, bytes), 0U);
  fd.reset();
  Overwrite();
  ExpectArrived(pipe, frame);
  ExpectArrived(sockets, frame);
}

TEST_P(PinsTest, BuffersComeBackWhenThePinsEnd) {
  {
    std::vector<Channel> pipes;
    for (unsigned i = 0; i < kBuffers - 2; ++i) {
      pipes.push_back(Channel::Pipe());
      Pin(pipes.back(), mount_test::MapAndClose(device().latest()));
      AwaitFrames(1);
    }
    Overwrite();
    // On the other path the pins are on pages of FUSE's page cache, and the buffers are free.
    if (passed_through()) {
      EXPECT_GT(device().Status().at("buffers").at("held"), 0);
    }
  }
  WaitUntil("the buffers", [&] { return device().Status().at("buffers").at("held") == 0; });
  EXPECT_EQ(device().Status().at("memory").at("renewed"), 0) << "it sees: it needs none";
}

INSTANTIATE_TEST_SUITE_P(
    Cameras, PinsTest,
    testing::Values(Camera{"Pattern", "pattern,format=GREY,width=640,height=480,rate=30"},
                    Camera{"Vivid", "v4l2:/dev/video0,format=BGR4,width=640,height=360"}),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace grabfs::vm
