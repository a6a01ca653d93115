// SPDX-License-Identifier: Apache-2.0
//
// Files that grow by being written to, and memory reserved behind the end.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <thread>
#include <vector>

#include "tests/unit/alloc/error_of.h"
#include "tests/unit/alloc/file_fixture.h"

namespace grabfs::alloc {
namespace {

const std::vector<std::byte> kBlock(4096, std::byte{7});

class FileGrowthTest : public FileTest {
 protected:
  [[nodiscard]] uint64_t Memory() {
    struct stat stat = {};
    EXPECT_EQ(::fstat(file_->backing_fd(), &stat), 0);
    return static_cast<uint64_t>(stat.st_blocks) * 512;
  }
  [[nodiscard]] bool CountsFor(uint64_t bytes) const {
    for (int i = 0; i < 500 && Charged(kAlice) != bytes; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return Charged(kAlice) == bytes;
  }

  File::Handle handle_ = file_->Opened(kAlice);
};

// Each of them finds the file too small. Neither may take away what the other has just written.
TEST_F(FileGrowthTest, TwoThatGrowItAtOnceDoNotCutEachOther) {
  for (int round = 0; round < 200; ++round) {
    const FilePtr file = Make(MakeMemfdStorage("test"));
    const auto put = [&](uint64_t offset) {
      Outcome outcome;
      file->Write(offset, kBlock, kAlice, File::kNoHandle, outcome.Done());
      EXPECT_EQ(outcome.Await(), 0);
    };
    std::thread other([&] { put(65536); });
    put(0);
    other.join();
    ASSERT_EQ(file->size(), 65536U + 4096) << "in round " << round;
  }
}

TEST_F(FileGrowthTest, WhoeverWritesOnRarelyHasToWaitForMemory) {
  int waited = 0;
  for (uint64_t offset = 0; offset < kQuota; offset += kBlock.size()) {
    Outcome outcome;
    file_->Write(offset, kBlock, kAlice, handle_, outcome.Done());
    if (outcome.Pending()) ++waited;
    ASSERT_EQ(outcome.Await(), 0) << offset;
    ASSERT_EQ(file_->size(), offset + kBlock.size()) << "exactly what was written";
  }
  EXPECT_LE(waited, 10);
  EXPECT_EQ(Write(kQuota, kBlock), EDQUOT);
}

TEST_F(FileGrowthTest, WhatWasReservedAheadIsGivenBackAtTheLastClose) {
  ASSERT_EQ(Write(0, kBlock), 0);
  EXPECT_GT(Charged(kAlice), kBlock.size());
  const auto other = file_->Opened(kBob);
  file_->Closed(handle_, false);
  EXPECT_GT(Charged(kAlice), kBlock.size());
  file_->Closed(other, false);
  EXPECT_TRUE(CountsFor(kBlock.size()));
  handle_ = file_->Opened(kAlice);
  EXPECT_EQ(Memory(), kBlock.size());
  EXPECT_EQ(Contents(), kBlock);
}

TEST_F(FileGrowthTest, WhatIsReservedAheadStandsInNobodysWay) {
  all_ = {file_};
  ASSERT_EQ(Write(0, kBlock), 0);
  ASSERT_GT(Charged(kAlice), kBlock.size());
  const FilePtr other = Make(MakeMemfdStorage("other"));
  Outcome outcome;
  other->Resize(kQuota - kBlock.size(), kAlice, File::kNoHandle, outcome.Done());
  EXPECT_EQ(outcome.Await(), 0);
  EXPECT_EQ(Charged(kAlice), kQuota);
  EXPECT_EQ(Contents(), kBlock);
  all_.clear();
}

TEST_F(FileGrowthTest, MemoryCanBeReservedBehindTheEnd) {
  ASSERT_EQ(Write(0, kBlock), 0);
  ASSERT_EQ(Reserve(200'000), 0);
  EXPECT_EQ(file_->size(), kBlock.size());
  EXPECT_EQ(file_->info().reserved, 200'000U);
  EXPECT_GE(Memory(), 200'000U);
  file_->Closed(handle_, false);
  EXPECT_TRUE(CountsFor(200'000)) << "it was asked for, so it stays";
  handle_ = file_->Opened(kAlice);
  ASSERT_EQ(Write(100'000, kBlock), 0);
  EXPECT_EQ(file_->size(), 104'096U);
  EXPECT_EQ(Contents()[50'000], std::byte{0});
  EXPECT_EQ(Charged(kAlice), 200'000U);
  EXPECT_EQ(Reserve(2 * kQuota), EDQUOT);
  ASSERT_EQ(Resize(104'096, kAlice, handle_), 0);
  EXPECT_EQ(Charged(kAlice), 104'096U) << "a size, whichever, takes back what is behind it";
  EXPECT_LE(Memory(), 106'496U);
}

TEST_F(FileGrowthTest, GrowingNeverShrinks) {
  ASSERT_EQ(Resize(50'000, kAlice, handle_), 0);
  EXPECT_EQ(Grow(10), 0);
  EXPECT_EQ(file_->size(), 50'000U);
  EXPECT_EQ(Grow(60'000), 0);
  EXPECT_EQ(file_->size(), 60'000U);
}

}  // namespace
}  // namespace grabfs::alloc
