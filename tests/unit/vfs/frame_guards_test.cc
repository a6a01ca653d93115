// SPDX-License-Identifier: Apache-2.0
//
// Frames that are held between their lookup and their open.
#include "fusefs/vfs/frame_guards.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace grabfs {
namespace {

constexpr uint32_t kSlots = 4;

class FrameGuardsTest : public ::testing::Test {
 protected:
  FrameGuardsTest() {
    const FrameFormat format = MakeFrameFormat(kGrey, 16, 16);
    std::vector<std::unique_ptr<Memory>> buffers;
    for (uint32_t i = 0; i < kSlots; ++i) buffers.push_back(AllocateMemory("guards", format.bytes));
    pool_ = std::make_shared<Pool>(0, format, std::move(buffers), Policy::kKeepNewest, nullptr);
  }

  void Capture(uint64_t sequence) {
    const auto fill = pool_->ring.BeginFill();
    ASSERT_TRUE(fill);
    pool_->ring.Complete(fill->slot, {.sequence = sequence});
  }

  std::shared_ptr<Pool> pool_;
  FrameGuards guards_;
};

TEST_F(FrameGuardsTest, AreWantedOnlyAfterAStaleOpen) {
  EXPECT_FALSE(guards_.Wanted());
  guards_.OpenWasStale();
  EXPECT_TRUE(guards_.Wanted());
}

TEST_F(FrameGuardsTest, AGuardedFrameOutlivesAnyNumberOfCaptures) {
  Capture(0);
  const auto frame = guards_.GuardNewest(pool_);
  ASSERT_TRUE(frame);
  for (uint64_t sequence = 1; sequence < 50; ++sequence) Capture(sequence);
  EXPECT_TRUE(pool_->ring.Named(0));
  guards_.Opened(*pool_, 0);
  for (uint64_t sequence = 50; sequence < 60; ++sequence) Capture(sequence);
  EXPECT_FALSE(pool_->ring.Named(0));
}

TEST_F(FrameGuardsTest, NeverTakeMoreThanHalfOfTheBuffers) {
  for (uint64_t sequence = 0; sequence < 100; ++sequence) {
    Capture(sequence);
    ASSERT_TRUE(guards_.GuardNewest(pool_));
  }
  EXPECT_LE(pool_->ring.Occupancy().held, kSlots / 2);
}

TEST_F(FrameGuardsTest, ASharedGuardEndsWithTheLastOfItsOpens) {
  for (uint64_t sequence = 0; sequence < 2; ++sequence) {
    Capture(sequence);
    guards_.GuardNewest(pool_);
  }
  Capture(2);
  ASSERT_EQ(guards_.GuardNewest(pool_)->info.sequence, 1U) << "the newest that is guarded already";
  guards_.Opened(*pool_, 1);
  EXPECT_EQ(pool_->ring.Occupancy().held, 2U);
  guards_.Opened(*pool_, 1);
  EXPECT_EQ(pool_->ring.Occupancy().held, 1U);
}

TEST_F(FrameGuardsTest, AGuardWhoseOpenNeverComesExpires) {
  Capture(0);
  guards_.GuardNewest(pool_);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (guards_.Expire() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(pool_->ring.Occupancy().held, 0U);
}

TEST_F(FrameGuardsTest, WithoutAFrameThereIsNothingToGuard) {
  EXPECT_EQ(guards_.GuardNewest(pool_), std::nullopt);
}

}  // namespace
}  // namespace grabfs
