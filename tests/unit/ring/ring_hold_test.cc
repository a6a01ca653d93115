// SPDX-License-Identifier: Apache-2.0
//
// Holding: a slot that somebody uses is never filled, whether he has it open or merely mapped, and
// it comes back when the last user has gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/ring/checked_ring.h"

namespace grabfs {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr bool kMayBeMapped = true;

TEST(RingHold, AHeldFrameIsNotRecycled) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  const auto held = ring.Hold(0);
  ASSERT_TRUE(held);
  ring.CaptureAll(2, 9);
  EXPECT_TRUE(ring.look().Named(0));
  EXPECT_EQ(ring.look().At(held->slot)->sequence, 0U);
  EXPECT_EQ(ring.look().Newest()->info.sequence, 9U);
}

TEST(RingHold, WithEverythingHeldFramesAreDropped) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ring.Hold(0);
  ring.Hold(1);
  ring.CaptureAll(2, 4);
  EXPECT_EQ(ring.counters().dropped, 3U);
  EXPECT_EQ(ring.occupancy().held, 2U);
}

TEST(RingHold, EachSlotSaysHowItIs) {
  CheckedRing ring(4);
  EXPECT_EQ(ring.look().States(), "eeee");
  ring.CaptureAll(0, 1);
  ring.Hold(1);
  const uint32_t filling = ring.BeginFill()->slot;
  EXPECT_EQ(ring.look().States(), "rRfe");
  ring.Cancel(filling);
}

TEST(RingHold, TheLastOfSeveralHoldersFreesTheSlot) {
  CheckedRing ring(1);
  ring.Capture(0);
  ring.Hold(0);
  ring.Hold(0);
  ring.Release(0);
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  ring.Release(0);
  EXPECT_EQ(ring.BeginFill()->evicted, 0U);
}

TEST(RingHold, NobodyHoldsWhatIsNotThere) {
  CheckedRing ring(1);
  EXPECT_EQ(ring.Hold(0), std::nullopt);
  const uint32_t slot = ring.BeginFill()->slot;
  EXPECT_EQ(ring.Hold(0), std::nullopt);
  EXPECT_FALSE(ring.HoldSlot(slot)) << "a slot being filled belongs to the device";
  ring.Cancel(slot);
}

TEST(RingHold, AnEmptySlotCanBeHeld) {
  CheckedRing ring(2);
  ASSERT_TRUE(ring.HoldSlot(0));
  EXPECT_EQ(ring.occupancy().free, 1U);
  EXPECT_EQ(ring.Capture(0), 1U);
  EXPECT_EQ(ring.Capture(1), 1U);
  ring.Release(0);
  EXPECT_EQ(ring.Capture(2), 0U);
}

TEST(RingHold, OnlyOpeningAFrameByItsNumberDeliversIt) {
  CheckedRing ring(3);
  ring.CaptureAll(0, 2);
  ring.Hold(0);
  ring.Release(0);
  ring.HoldSlot(1);
  ring.Release(1);
  ring.CaptureAll(3, 5);
  EXPECT_EQ(ring.counters().delivered, 1U);
  EXPECT_EQ(ring.counters().recycled, 2U);
}

TEST(RingHold, AFrameThatIsKeptForSomebodyWhoNeverComesIsNotDelivered) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ASSERT_TRUE(ring.Hold(0, Ring::Purpose::kKept));
  ring.CaptureAll(2, 3);
  EXPECT_TRUE(ring.look().Named(0));
  ring.Release(0);
  ring.Capture(4);
  EXPECT_FALSE(ring.look().Named(0));
  EXPECT_EQ(ring.counters().delivered, 0U);
}

// The housekeeper looks at mapped slots often, however seldom frames come.
TEST(RingHold, LookingOftenDoesNotMakeCaptureLookAtEachFrame) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 0);
  ring.Hold(0);
  ring.mapped = {0};
  ring.Release(0, kMayBeMapped);
  for (int i = 0; i < 100; ++i) ring.Recheck();
  ring.probes = 0;
  ring.CaptureAll(1, 500);
  EXPECT_LE(ring.probes, 1);
  ring.CaptureAll(501, 2000);
  EXPECT_GE(ring.probes, 1) << "it is looked at again all the same";
}

TEST(RingHold, AnUnlinkedFrameLivesUntilItsLastHolderGoes) {
  CheckedRing ring(1);
  ring.Capture(0);
  ring.Hold(0);
  ring.Unlink(0);
  EXPECT_FALSE(ring.look().Named(0));
  EXPECT_EQ(ring.look().Find(0)->info.sequence, 0U);
  EXPECT_EQ(ring.counters().delivered, 1U);
  EXPECT_EQ(ring.BeginFill(), std::nullopt);

  ring.Release(0);
  EXPECT_EQ(ring.look().Find(0), std::nullopt);
  EXPECT_EQ(ring.occupancy().free, 1U);
  EXPECT_EQ(ring.BeginFill()->evicted, std::nullopt);
}

TEST(RingHold, FillingAnotherSlotLeavesAnUnlinkedFrameAlone) {
  CheckedRing ring(2);
  ring.Capture(0);
  ring.Hold(0);
  ring.Unlink(0);
  ring.CaptureAll(1, 3);
  EXPECT_EQ(ring.look().Find(0)->slot, 0U);
}

TEST(RingHold, AnUnlinkedFrameCanBeReopenedWhileSomebodyHasItOpen) {
  CheckedRing ring(1);
  ring.Capture(0);
  ring.Hold(0);
  ring.Unlink(0);
  EXPECT_TRUE(ring.Hold(0)) << "as through /proc/PID/fd";
  ring.Release(0);
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  ring.mapped.insert(0);
  ring.Release(0, kMayBeMapped);
  EXPECT_EQ(ring.Hold(0), std::nullopt) << "a mapping is no descriptor";
}

TEST(RingHold, AFrameOfARetiredRingLivesUntilItsLastHolderGoes) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ring.Hold(1);
  EXPECT_THAT(ring.Retire(), SizeIs(2));
  EXPECT_EQ(ring.look().Find(0), std::nullopt);
  EXPECT_EQ(ring.look().Find(1)->slot, 1U);
  ring.Release(1);
  EXPECT_EQ(ring.occupancy().free, 2U);
}

TEST(RingHold, AMappingOutlivesTheLastClose) {
  CheckedRing ring(1);
  ring.Capture(0);
  ring.Hold(0);
  ring.mapped.insert(0);
  ring.Release(0, kMayBeMapped);
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  EXPECT_EQ(ring.occupancy().held, 1U);
  EXPECT_TRUE(ring.look().Named(0));

  ring.mapped.clear();
  EXPECT_THAT(ring.Recheck(), IsEmpty());
  EXPECT_EQ(ring.occupancy().held, 0U);
  EXPECT_EQ(ring.BeginFill()->evicted, 0U);
}

TEST(RingHold, WhatTheKernelSaysAMomentTooLateIsNotBelievedForLong) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ring.Hold(0);
  ring.mapped.insert(0);
  ring.Release(0, kMayBeMapped);
  ring.Capture(2);
  EXPECT_TRUE(ring.look().Named(0));
  ring.mapped.clear();
  EXPECT_EQ(ring.BeginFill()->evicted, 0U) << "the very next fill asks again";
}

TEST(RingHold, ThatCaptureWentRoundAMappedSlotIsToldOnce) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ring.Hold(0);
  ring.Release(0, kMayBeMapped);
  ring.Hold(1);
  ring.mapped.insert(0);
  EXPECT_FALSE(ring.TakeRecheckNeeded());
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  EXPECT_TRUE(ring.TakeRecheckNeeded());
  EXPECT_FALSE(ring.TakeRecheckNeeded());
  ring.Release(1);
  EXPECT_EQ(ring.BeginFill()->evicted, 1U) << "held or not, not mapped";
}

TEST(RingHold, AMappingThatLastsIsProbedAtEverLongerIntervals) {
  CheckedRing ring(3);
  ring.CaptureAll(0, 2);
  ring.Hold(0);
  ring.mapped.insert(0);
  ring.Release(0, kMayBeMapped);
  ring.CaptureAll(3, 1002);
  EXPECT_LE(ring.probes, 11);
  EXPECT_TRUE(ring.look().Named(0));
}

TEST(RingHold, OnlyAReleasedMappingIsProbedAndOnlyWhenTheSlotIsWanted) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ring.Hold(0);
  ring.Release(0);
  ring.Capture(2);
  EXPECT_EQ(ring.probes, 0);

  ring.Hold(1);
  ring.Release(1, kMayBeMapped);
  EXPECT_EQ(ring.probes, 0);
  ring.Capture(3);
  EXPECT_EQ(ring.probes, 1);
  ring.CaptureAll(4, 20);
  EXPECT_EQ(ring.probes, 1) << "an idle answer is final until the next release";
}

TEST(RingHold, RecheckProbesAMappedSlotAtOnce) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ring.Hold(0);
  ring.mapped.insert(0);
  ring.Release(0, kMayBeMapped);
  ring.CaptureAll(2, 20);
  const int before = ring.probes;
  EXPECT_THAT(ring.Recheck(), SizeIs(1));
  EXPECT_EQ(ring.probes, before + 1);
}

TEST(RingHold, RecheckLeavesHeldSlotsAlone) {
  CheckedRing ring(1);
  ring.Capture(0);
  ring.Hold(0);
  ring.Hold(0);
  ring.Release(0, kMayBeMapped);
  EXPECT_THAT(ring.Recheck(), IsEmpty());
  EXPECT_EQ(ring.probes, 0) << "a probe may disturb an open that is under way";
}

TEST(RingHold, AnEarlyReleaseThatMayBeMappedStillCountsAfterTheLastOne) {
  CheckedRing ring(1);
  ring.Capture(0);
  ring.Hold(0);
  ring.Hold(0);
  ring.mapped.insert(0);
  ring.Release(0, kMayBeMapped);
  ring.Release(0);
  EXPECT_EQ(ring.BeginFill(), std::nullopt) << "the first one's mapping is still there";
}

TEST(RingHold, AMappedSlotCanBeOpenedAgain) {
  CheckedRing ring(1);
  ring.Capture(0);
  ring.Hold(0);
  ring.mapped.insert(0);
  ring.Release(0, kMayBeMapped);
  ASSERT_THAT(ring.Recheck(), SizeIs(1));

  ASSERT_TRUE(ring.Hold(0));
  ring.mapped.clear();
  ring.Release(0);
  EXPECT_EQ(ring.BeginFill()->evicted, 0U) << "what the old probe said does not count any more";
}

TEST(RingHold, AnUnlinkedFrameLivesWhileItIsMapped) {
  CheckedRing ring(1);
  ring.Capture(0);
  ring.Hold(0);
  ring.mapped.insert(0);
  ring.Release(0, kMayBeMapped);
  ring.Unlink(0);
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  EXPECT_TRUE(ring.look().Find(0));
  ring.mapped.clear();
  EXPECT_THAT(ring.Recheck(), IsEmpty());
  EXPECT_EQ(ring.look().Find(0), std::nullopt);
  EXPECT_EQ(ring.occupancy().free, 1U);
}

TEST(RingHold, SettlingFreesASlotThatOnlyAFollowerHasMapped) {
  CheckedRing ring(1);
  ring.Capture(0);
  ring.Hold(0);
  ring.mapped.insert(0);
  ring.Release(0, kMayBeMapped);
  const auto mapped = ring.Recheck();
  ASSERT_THAT(mapped, SizeIs(1));
  EXPECT_EQ(mapped[0].slot, 0U);
  EXPECT_EQ(mapped[0].sequence, 0U);
  ring.MarkUnmapped(mapped[0]);
  EXPECT_EQ(ring.occupancy().held, 0U);
  EXPECT_EQ(ring.BeginFill()->evicted, 0U);
}

TEST(RingHold, SettlingIsIgnoredOnceSomebodyHeldTheSlotAgain) {
  CheckedRing ring(1);
  ring.Capture(0);
  ring.Hold(0);
  ring.mapped.insert(0);
  ring.Release(0, kMayBeMapped);
  const auto stale = ring.Recheck();
  ASSERT_THAT(stale, SizeIs(1));

  ring.Hold(0);
  ring.MarkUnmapped(stale[0]);
  EXPECT_EQ(ring.BeginFill(), std::nullopt) << "held";
  ring.Release(0, kMayBeMapped);
  ring.MarkUnmapped(stale[0]);
  EXPECT_EQ(ring.BeginFill(), std::nullopt) << "the new holder's mapping has not been looked at";
}

TEST(RingHold, SettlingAfterTheSlotWasRefilledChangesNothing) {
  CheckedRing ring(1);
  ring.Capture(0);
  ring.Hold(0);
  ring.mapped.insert(0);
  ring.Release(0, kMayBeMapped);
  const auto stale = ring.Recheck();
  ASSERT_THAT(stale, SizeIs(1));
  ring.mapped.clear();
  ring.Recheck();

  const auto fill = ring.BeginFill();
  ASSERT_TRUE(fill);
  ring.MarkUnmapped(stale[0]);
  EXPECT_TRUE(ring.look().Filling(0));
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  ring.Complete(0, {.sequence = 1});
  EXPECT_EQ(ring.look().Newest()->info.sequence, 1U);
}

TEST(RingHold, WithoutAProbeNothingOutlivesClose) {
  Ring ring({.slots = 1, .policy = Policy::kKeepNewest, .probe = {}, .on_available = {}});
  ring.Complete(ring.BeginFill()->slot, {.sequence = 0});
  ring.Hold(0);
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  ring.Release(0, kMayBeMapped);
  EXPECT_EQ(ring.BeginFill()->evicted, 0U);
}

}  // namespace
}  // namespace grabfs
