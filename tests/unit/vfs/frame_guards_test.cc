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
constexpr pid_t kAlice = 1001;
constexpr pid_t kBob = 1002;
constexpr pid_t kCarol = 1003;
constexpr pid_t kUnknown = 0;

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

  uint32_t Held() const { return pool_->ring.Occupancy().held; }

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
  const auto frame = guards_.GuardNewest(pool_, kAlice);
  ASSERT_TRUE(frame);
  for (uint64_t sequence = 1; sequence < 50; ++sequence) Capture(sequence);
  EXPECT_TRUE(pool_->ring.Named(0));
  guards_.Opened(*pool_, 0, kAlice);
  for (uint64_t sequence = 50; sequence < 60; ++sequence) Capture(sequence);
  EXPECT_FALSE(pool_->ring.Named(0));
}

TEST_F(FrameGuardsTest, NeverTakeMoreThanHalfOfTheBuffers) {
  for (uint64_t sequence = 0; sequence < 100; ++sequence) {
    Capture(sequence);
    ASSERT_TRUE(guards_.GuardNewest(pool_, static_cast<pid_t>(100 + sequence)));
  }
  EXPECT_LE(Held(), kSlots / 2);
}

// The kernel may look a name up twice before it opens it once: a guard of the first lookup that
// stayed would soon be shown again, older than what has been opened since.
TEST_F(FrameGuardsTest, AThreadThatLooksAgainIsShownTheNewestFrame) {
  for (uint64_t sequence = 0; sequence < 100; ++sequence) {
    Capture(sequence);
    ASSERT_EQ(guards_.GuardNewest(pool_, kAlice)->info.sequence, sequence);
    ASSERT_EQ(Held(), 1U);
  }
}

TEST_F(FrameGuardsTest, ASharedGuardEndsWithTheLastOfItsOpens) {
  Capture(0);
  guards_.GuardNewest(pool_, kAlice);
  Capture(1);
  guards_.GuardNewest(pool_, kBob);
  Capture(2);
  ASSERT_EQ(guards_.GuardNewest(pool_, kCarol)->info.sequence, 1U)
      << "the newest that is guarded already";
  guards_.Opened(*pool_, 1, kBob);
  EXPECT_EQ(Held(), 2U);
  guards_.Opened(*pool_, 1, kCarol);
  EXPECT_EQ(Held(), 1U);
}

TEST_F(FrameGuardsTest, TheGuardOfAnotherThreadIsNotEndedByAnOpen) {
  Capture(0);
  guards_.GuardNewest(pool_, kAlice);
  guards_.Opened(*pool_, 0, kBob);
  EXPECT_EQ(Held(), 1U);
}

TEST_F(FrameGuardsTest, ThreadsThatAreNotKnownDoNotEndEachOthersGuards) {
  Capture(0);
  guards_.GuardNewest(pool_, kUnknown);
  Capture(1);
  guards_.GuardNewest(pool_, kUnknown);
  EXPECT_EQ(Held(), 2U);
  guards_.Opened(*pool_, 0, kUnknown);
  EXPECT_EQ(Held(), 1U);
}

TEST_F(FrameGuardsTest, AGuardWhoseOpenNeverComesExpires) {
  Capture(0);
  guards_.GuardNewest(pool_, kAlice);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (guards_.Expire() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(Held(), 0U);
}

// However busy it is, nobody is shown one frame for ever.
TEST_F(FrameGuardsTest, ASharedGuardIsNotProlonged) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  uint64_t sequence = 0;
  pid_t thread = kAlice;
  while (sequence < 2) {
    Capture(sequence++);
    ASSERT_TRUE(guards_.GuardNewest(pool_, thread++));
  }
  while (guards_.GuardNewest(pool_, thread++)->info.sequence == 1) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    Capture(sequence++);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST_F(FrameGuardsTest, WithoutAFrameThereIsNothingToGuard) {
  EXPECT_EQ(guards_.GuardNewest(pool_, kAlice), std::nullopt);
}

}  // namespace
}  // namespace grabfs
