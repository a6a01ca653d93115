// SPDX-License-Identifier: Apache-2.0
//
// Waking capture: once for each refusal, as soon as a slot can be filled again, and not before.
#include <gtest/gtest.h>

#include "tests/unit/ring/checked_ring.h"

namespace grabfs {
namespace {

constexpr bool kMayBeMapped = true;

// One slot with a held frame, and a BeginFill() that has been refused.
class RingWakeup : public ::testing::Test {
 protected:
  RingWakeup() {
    ring_.Capture(0);
    ring_.Hold(0);
    EXPECT_EQ(ring_.BeginFill(), std::nullopt);
  }

  CheckedRing ring_{1};
};

TEST_F(RingWakeup, TheLastReleaseWakes) {
  ring_.Hold(0);
  ring_.Release(0);
  EXPECT_EQ(ring_.wakeups, 0);
  ring_.Release(0);
  EXPECT_EQ(ring_.wakeups, 1);
}

TEST_F(RingWakeup, OneRefusalIsOneWakeup) {
  ring_.Release(0);
  ring_.Hold(0);
  ring_.Release(0);
  EXPECT_EQ(ring_.wakeups, 1);
  ring_.Hold(0);
  EXPECT_EQ(ring_.BeginFill(), std::nullopt);
  ring_.Release(0);
  EXPECT_EQ(ring_.wakeups, 2);
}

TEST_F(RingWakeup, AFrameUnlinkedWhileHeldWakesAtItsRelease) {
  ring_.Unlink(0);
  EXPECT_EQ(ring_.wakeups, 0);
  ring_.Release(0);
  EXPECT_EQ(ring_.wakeups, 1);
}

TEST_F(RingWakeup, TheEndOfAMappingWakesAtTheNextRecheck) {
  ring_.mapped.insert(0);
  ring_.Release(0, kMayBeMapped);
  EXPECT_EQ(ring_.BeginFill(), std::nullopt);
  const int before = ring_.wakeups;
  ring_.Recheck();
  EXPECT_EQ(ring_.wakeups, before);
  ring_.mapped.clear();
  ring_.Recheck();
  EXPECT_EQ(ring_.wakeups, before + 1);
}

TEST_F(RingWakeup, SettlingAMappingWakes) {
  ring_.mapped.insert(0);
  ring_.Release(0, kMayBeMapped);
  EXPECT_EQ(ring_.BeginFill(), std::nullopt);
  const int before = ring_.wakeups;
  for (const Ring::Mapped& mapped : ring_.Recheck()) ring_.MarkUnmapped(mapped);
  EXPECT_EQ(ring_.wakeups, before + 1);
}

TEST_F(RingWakeup, NobodyIsWokenAfterCaptureHelpedItself) {
  ring_.Release(0);
  ASSERT_EQ(ring_.wakeups, 1);
  EXPECT_TRUE(ring_.BeginFill());
  ring_.Complete(0, {.sequence = 1});
  ring_.Hold(1);
  ring_.Release(0);
  EXPECT_EQ(ring_.wakeups, 1);
}

TEST(RingWakeupWithoutRefusal, NothingWakes) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 5);
  ring.Hold(5);
  ring.Release(ring.look().Find(5)->slot, kMayBeMapped);
  ring.Recheck();
  ring.Unlink(5);
  ring.SetPolicy(Policy::kKeepOldest);
  EXPECT_EQ(ring.wakeups, 0);
}

TEST(RingWakeupUnderKeepOldest, OnlyAnEmptySlotWakes) {
  CheckedRing ring(2, Policy::kKeepOldest);
  ring.CaptureAll(0, 2);
  ring.Hold(0);
  ring.Release(0);
  EXPECT_EQ(ring.wakeups, 0) << "frame 0 keeps its buffer";
  ring.Unlink(1);
  EXPECT_EQ(ring.wakeups, 1);
}

TEST(RingWakeupUnderKeepOldest, ChangingToKeepNewestWakes) {
  CheckedRing ring(1, Policy::kKeepOldest);
  ring.CaptureAll(0, 1);
  ring.SetPolicy(Policy::kKeepOldest);
  EXPECT_EQ(ring.wakeups, 0);
  ring.SetPolicy(Policy::kKeepNewest);
  EXPECT_EQ(ring.wakeups, 1);
}

}  // namespace
}  // namespace grabfs
