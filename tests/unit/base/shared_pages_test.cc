// SPDX-License-Identifier: Apache-2.0
//
// What clients who have the pages mapped can do to them: nothing that the daemon would notice.
#include "fusefs/base/shared_pages.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

constexpr uint64_t kBytes = 5000;

class SharedPagesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      pages_ = SharedPages::Make(kBytes);
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), EPERM);
      GTEST_SKIP() << error.what();
    }
  }

  std::shared_ptr<SharedPages> pages_;
};

TEST_F(SharedPagesTest, AreZeroedAndShared) {
  ASSERT_EQ(pages_->bytes().size(), kBytes);
  EXPECT_TRUE(std::ranges::all_of(pages_->bytes(), [](std::byte b) { return b == std::byte{0}; }));
  pages_->bytes()[4999] = std::byte{7};
  char last = 0;
  ASSERT_EQ(pread(pages_->fd(), &last, 1, 4999), 1);
  EXPECT_EQ(last, 7);
  EXPECT_EQ(lseek(pages_->fd(), 0, SEEK_END), static_cast<off_t>(kBytes));
}

TEST_F(SharedPagesTest, NoHolesCanBePunched) {
  void* const client = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, pages_->fd(), 0);
  ASSERT_NE(client, MAP_FAILED);
  pages_->bytes()[0] = std::byte{7};
  EXPECT_EQ(madvise(client, kBytes, MADV_REMOVE), -1);
  EXPECT_EQ(errno, EOPNOTSUPP);
  EXPECT_EQ(fallocate(pages_->fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kBytes), -1);
  (void)madvise(client, kBytes, MADV_PAGEOUT);
  (void)madvise(client, kBytes, MADV_DONTNEED);
  EXPECT_EQ(*static_cast<unsigned char*>(client), 7);
  munmap(client, kBytes);
}

}  // namespace
}  // namespace grabfs
