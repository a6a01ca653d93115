// SPDX-License-Identifier: Apache-2.0
//
// Frames that are held between their lookup and their open.
#include "fusefs/vfs/lookup_holds.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace grabfs {
namespace {

constexpr uint32_t kSlots = 4;
constexpr pid_t kAlice = 1001;
constexpr pid_t kBob = 1002;
constexpr pid_t kCarol = 1003;
constexpr pid_t kUnknown = 0;

class LookupHoldsTest : public ::testing::Test {
 protected:
  LookupHoldsTest() {
    const FrameFormat format = MakeFrameFormat(kGrey, 16, 16);
    std::vector<std::unique_ptr<Memory>> buffers;
    for (uint32_t i = 0; i < kSlots; ++i) buffers.push_back(AllocateMemory("holds", format.bytes));
    pool_ = std::make_shared<Pool>(0, format, std::move(buffers), Policy::kKeepNewest, nullptr);
  }

  void Capture(uint64_t sequence) {
    const auto fill = pool_->ring.BeginFill();
    ASSERT_TRUE(fill);
    pool_->ring.Complete(fill->slot, {.sequence = sequence});
  }

  uint32_t Held() const { return pool_->ring.Occupancy().held; }

  std::shared_ptr<Pool> pool_;
  LookupHolds holds_;
};

TEST_F(LookupHoldsTest, AreWantedOnlyAfterAStaleOpen) {
  EXPECT_FALSE(holds_.Wanted());
  holds_.FrameWasGone();
  EXPECT_TRUE(holds_.Wanted());
}

TEST_F(LookupHoldsTest, AHeldFrameOutlivesAnyNumberOfCaptures) {
  Capture(0);
  const auto frame = holds_.HoldNewest(pool_, kAlice);
  ASSERT_TRUE(frame);
  for (uint64_t sequence = 1; sequence < 50; ++sequence) Capture(sequence);
  EXPECT_TRUE(pool_->ring.Named(0));
  holds_.Opened(*pool_, 0, kAlice);
  for (uint64_t sequence = 50; sequence < 60; ++sequence) Capture(sequence);
  EXPECT_FALSE(pool_->ring.Named(0));
}

TEST_F(LookupHoldsTest, NeverTakeMoreThanHalfOfTheBuffers) {
  for (uint64_t sequence = 0; sequence < 100; ++sequence) {
    Capture(sequence);
    ASSERT_TRUE(holds_.HoldNewest(pool_, static_cast<pid_t>(100 + sequence)));
  }
  EXPECT_LE(Held(), kSlots / 2);
}

// The kernel may look a name up twice before it opens it once. If the hold of the first lookup
// stayed, a later lookup could return its frame, older than frames that were opened since.
TEST_F(LookupHoldsTest, AThreadThatLooksAgainIsShownTheNewestFrame) {
  for (uint64_t sequence = 0; sequence < 100; ++sequence) {
    Capture(sequence);
    ASSERT_EQ(holds_.HoldNewest(pool_, kAlice)->info.sequence, sequence);
    ASSERT_EQ(Held(), 1U);
  }
}

TEST_F(LookupHoldsTest, ASharedHoldEndsWithTheLastOfItsOpens) {
  Capture(0);
  holds_.HoldNewest(pool_, kAlice);
  Capture(1);
  holds_.HoldNewest(pool_, kBob);
  Capture(2);
  ASSERT_EQ(holds_.HoldNewest(pool_, kCarol)->info.sequence, 1U)
      << "the newest that is held already";
  holds_.Opened(*pool_, 1, kBob);
  EXPECT_EQ(Held(), 2U);
  holds_.Opened(*pool_, 1, kCarol);
  EXPECT_EQ(Held(), 1U);
}

TEST_F(LookupHoldsTest, TheHoldOfAnotherThreadIsNotEndedByAnOpen) {
  Capture(0);
  holds_.HoldNewest(pool_, kAlice);
  holds_.Opened(*pool_, 0, kBob);
  EXPECT_EQ(Held(), 1U);
}

TEST_F(LookupHoldsTest, ThreadsThatAreNotKnownDoNotEndEachOthersHolds) {
  Capture(0);
  holds_.HoldNewest(pool_, kUnknown);
  Capture(1);
  holds_.HoldNewest(pool_, kUnknown);
  EXPECT_EQ(Held(), 2U);
  holds_.Opened(*pool_, 0, kUnknown);
  EXPECT_EQ(Held(), 1U);
}

TEST_F(LookupHoldsTest, AHoldWhoseOpenNeverComesExpires) {
  Capture(0);
  holds_.HoldNewest(pool_, kAlice);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (holds_.Expire() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(Held(), 0U);
}

// However busy it is, nobody gets one frame for ever.
TEST_F(LookupHoldsTest, ASharedHoldIsNotProlonged) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  uint64_t sequence = 0;
  pid_t thread = kAlice;
  while (sequence < 2) {
    Capture(sequence++);
    ASSERT_TRUE(holds_.HoldNewest(pool_, thread++));
  }
  while (holds_.HoldNewest(pool_, thread++)->info.sequence == 1) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    Capture(sequence++);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST_F(LookupHoldsTest, WithoutAFrameThereIsNothingToHold) {
  EXPECT_EQ(holds_.HoldNewest(pool_, kAlice), std::nullopt);
}

}  // namespace
}  // namespace grabfs
