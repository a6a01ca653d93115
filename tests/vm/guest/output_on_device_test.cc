// SPDX-License-Identifier: Apache-2.0
//
// Output through the mount to a board: what was written is in the board's memory when fsync() or
// msync(MS_SYNC) returns. The board's memory is read back by a raw capture of a session of our own.
// To be run with VM_SOURCE_OPTIONS=,direction=output.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "tests/mount/support/alloc.h"
#include "tests/mount/support/fixture.h"
#include "tests/vm/guest/environment.h"
#include "tests/vm/guest/session.h"

namespace grabfs::vm {
namespace {

using mount_test::MapAndClose;
using mount_test::Marked;

class OutputOnDeviceTest : public mount_test::MountTest {
 protected:
  // As many bytes of a picture as the board keeps.
  [[nodiscard]] size_t Bytes() const {
    return std::min<uint64_t>(picture_.bytes(), Session(AdapterPath()).Info().device_bytes);
  }

  [[nodiscard]] static std::vector<std::byte> OnBoard(size_t bytes) {
    Session session(AdapterPath());
    session.SetFormat(0, 0, 0, bytes);
    const Buffer buffer = session.Alloc({.bytes = bytes});
    session.Capture(buffer);
    std::vector<std::byte> contents(bytes);
    EXPECT_EQ(::pread(buffer.frame.get(), contents.data(), bytes, 0), static_cast<ssize_t>(bytes));
    return contents;
  }
};

TEST_F(OutputOnDeviceTest, FsyncSendsWhatWasWritten) {
  ASSERT_EQ(device().Get("direction"), "output");
  device().Set("writeback_ms", "0");
  const size_t bytes = Bytes();
  const UniqueFd fd = mount_test::Open(device().Buffer(0), O_WRONLY);
  for (unsigned i = 0; i < 3; i++) {
    const auto data = Marked(bytes, i);
    ASSERT_EQ(::pwrite(fd.get(), data.data(), bytes, 0), static_cast<ssize_t>(bytes));
    EXPECT_NE(OnBoard(bytes), data);
    ASSERT_EQ(::fsync(fd.get()), 0);
    EXPECT_EQ(OnBoard(bytes), data);
  }
}

TEST_F(OutputOnDeviceTest, MsyncSendsWhatAMappingHasWritten) {
  device().Set("writeback_ms", "0");
  const size_t bytes = Bytes();
  auto mapping = MapAndClose(device().Buffer(1), PROT_READ | PROT_WRITE);
  for (unsigned i = 10; i < 13; i++) {
    const auto data = Marked(bytes, i);
    std::memcpy(mapping.data(), data.data(), bytes);
    ASSERT_EQ(::msync(mapping.data(), mapping.size(), MS_SYNC), 0);
    EXPECT_EQ(OnBoard(bytes), data);
  }
}

TEST_F(OutputOnDeviceTest, WhatIsWrittenComesByItselfAfterAWhile) {
  device().Set("writeback_ms", "50");
  const size_t bytes = Bytes();
  const auto data = Marked(bytes, 20);
  const UniqueFd fd = mount_test::Open(device().Buffer(0), O_WRONLY);
  ASSERT_EQ(::pwrite(fd.get(), data.data(), bytes, 0), static_cast<ssize_t>(bytes));
  EXPECT_TRUE(mount_test::WaitUntil([&] { return OnBoard(bytes) == data; }));
}

}  // namespace
}  // namespace grabfs::vm
