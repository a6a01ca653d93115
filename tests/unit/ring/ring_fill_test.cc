// SPDX-License-Identifier: Apache-2.0
//
// Filling: which slot is taken next, under either policy, and how every sequence number is
// accounted for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/ring/checked_ring.h"

namespace grabfs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RingFill, StartsEmpty) {
  const CheckedRing ring(3);
  EXPECT_EQ(ring.occupancy().free, 3U);
  EXPECT_EQ(ring.look().Newest(), std::nullopt);
  EXPECT_EQ(ring.look().Oldest(), std::nullopt);
  EXPECT_EQ(ring.look().At(0), std::nullopt);
  EXPECT_FALSE(ring.look().Named(0));
  EXPECT_EQ(ring.counters().captured, 0U);
}

TEST(RingFill, EmptySlotsAreFilledInTurn) {
  CheckedRing ring(3);
  EXPECT_EQ(ring.Capture(0), 0U);
  EXPECT_EQ(ring.Capture(1), 1U);
  EXPECT_EQ(ring.Capture(2), 2U);
}

TEST(RingFill, AFrameAppearsOnlyWhenComplete) {
  CheckedRing ring(2);
  const auto fill = ring.BeginFill();
  ASSERT_TRUE(fill);
  EXPECT_EQ(fill->evicted, std::nullopt);
  EXPECT_TRUE(ring.look().Filling(fill->slot));
  EXPECT_FALSE(ring.look().Named(7));
  EXPECT_EQ(ring.look().At(fill->slot), std::nullopt);

  ring.Complete(fill->slot, {.sequence = 7, .timestamp_ns = 11, .bytes_used = 13, .flags = 17});
  EXPECT_FALSE(ring.look().Filling(fill->slot));
  const auto frame = ring.look().Newest();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->slot, fill->slot);
  EXPECT_EQ(frame->info.sequence, 7U);
  EXPECT_EQ(frame->info.timestamp_ns, 11U);
  EXPECT_EQ(frame->info.bytes_used, 13U);
  EXPECT_EQ(frame->info.flags, 17U);
  EXPECT_EQ(ring.look().At(fill->slot)->sequence, 7U);
}

TEST(RingFill, KeepNewestRecyclesTheOldestFrame) {
  CheckedRing ring(3);
  ring.CaptureAll(10, 12);
  const auto fill = ring.BeginFill();
  ASSERT_TRUE(fill);
  EXPECT_EQ(fill->evicted, 10U);
  EXPECT_FALSE(ring.look().Named(10));
  EXPECT_EQ(ring.look().Oldest()->info.sequence, 11U);
  EXPECT_EQ(ring.counters().recycled, 1U);
}

TEST(RingFill, KeepOldestRecyclesNothing) {
  CheckedRing ring(2, Policy::kKeepOldest);
  ring.CaptureAll(0, 4);
  EXPECT_EQ(ring.counters().dropped, 3U);
  EXPECT_EQ(ring.counters().recycled, 0U);
  EXPECT_TRUE(ring.look().Named(0));
  EXPECT_TRUE(ring.look().Named(1));
}

TEST(RingFill, AnEmptySlotIsTakenBeforeAFrameIsRecycled) {
  CheckedRing ring(3);
  ring.CaptureAll(0, 2);
  ASSERT_TRUE(ring.Unlink(1));
  const auto fill = ring.BeginFill();
  ASSERT_TRUE(fill);
  EXPECT_EQ(fill->slot, 1U);
  EXPECT_EQ(fill->evicted, std::nullopt);
}

TEST(RingFill, TheSlotEmptyForLongestIsTakenFirst) {
  CheckedRing ring(3);
  ring.CaptureAll(0, 2);
  ring.Unlink(2);
  ring.Unlink(0);
  EXPECT_EQ(ring.BeginFill()->slot, 2U);
  EXPECT_EQ(ring.BeginFill()->slot, 0U);
}

TEST(RingFill, SeveralSlotsCanBeFilledAtOnceAndOutOfOrder) {
  CheckedRing ring(3);
  const uint32_t first = ring.BeginFill()->slot;
  const uint32_t second = ring.BeginFill()->slot;
  const uint32_t third = ring.BeginFill()->slot;
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  ring.Complete(second, {.sequence = 0});
  ring.Fail(first);
  ring.Complete(third, {.sequence = 2});
  EXPECT_EQ(ring.look().Oldest()->slot, second);
  EXPECT_EQ(ring.look().Newest()->slot, third);
}

TEST(RingFill, AFailedTransferUsesUpItsSequenceNumber) {
  CheckedRing ring(1);
  const uint32_t slot = ring.BeginFill()->slot;
  ring.Fail(slot);
  EXPECT_EQ(ring.counters().captured, 1U);
  EXPECT_EQ(ring.counters().failed, 1U);
  EXPECT_EQ(ring.occupancy().free, 1U);
}

TEST(RingFill, ACancelledFillWasNeverThere) {
  CheckedRing ring(1);
  const uint32_t slot = ring.BeginFill()->slot;
  ring.Cancel(slot);
  EXPECT_EQ(ring.counters().captured, 0U);
  EXPECT_EQ(ring.occupancy().free, 1U);
}

TEST(RingFill, AnEvictedFrameStaysGoneWhenTheFillIsCancelled) {
  CheckedRing ring(1);
  ring.Capture(0);
  const auto fill = ring.BeginFill();
  ASSERT_TRUE(fill);
  ring.Cancel(fill->slot);
  EXPECT_FALSE(ring.look().Named(0));
  EXPECT_EQ(ring.counters().recycled, 1U);
}

TEST(RingFill, DropsAreToldByTheNextFrameOnly) {
  CheckedRing ring(2);
  ring.Drop(2);
  ring.Drop(3);
  EXPECT_EQ(ring.Complete(ring.BeginFill()->slot, {.sequence = 5}).dropped, 5U);
  EXPECT_EQ(ring.Complete(ring.BeginFill()->slot, {.sequence = 6}).dropped, 0U);
  EXPECT_EQ(ring.look().Find(5)->info.dropped, 5U);
  EXPECT_EQ(ring.counters().dropped, 5U);
}

TEST(RingFill, DropsBeforeAFailedTransferAreToldByTheFrameAfterIt) {
  CheckedRing ring(1);
  ring.Drop(1);
  ring.Fail(ring.BeginFill()->slot);
  EXPECT_EQ(ring.Complete(ring.BeginFill()->slot, {.sequence = 2}).dropped, 1U);
}

TEST(RingFill, FramesAreFoundByNumberAndInOrder) {
  CheckedRing ring(3);
  for (const uint64_t sequence : {3U, 8U, 9U}) ring.Capture(sequence);
  EXPECT_EQ(ring.look().NextFrom(0)->info.sequence, 3U);
  EXPECT_EQ(ring.look().NextFrom(3)->info.sequence, 3U);
  EXPECT_EQ(ring.look().NextFrom(4)->info.sequence, 8U);
  EXPECT_EQ(ring.look().NextFrom(10), std::nullopt);
  EXPECT_EQ(ring.look().Find(8)->slot, 1U);
  EXPECT_EQ(ring.look().Find(4), std::nullopt);
}

TEST(RingFill, SequenceNumbersMayUseAll64Bits) {
  CheckedRing ring(2);
  constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();
  ring.Capture(kLast - 1);
  ring.Capture(kLast);
  EXPECT_EQ(ring.look().Newest()->info.sequence, kLast);
  EXPECT_EQ(ring.look().NextFrom(kLast)->slot, 1U);
}

TEST(RingFill, ChangingThePolicyTakesEffectAtOnce) {
  CheckedRing ring(1);
  ring.Capture(0);
  ring.SetPolicy(Policy::kKeepOldest);
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  ring.SetPolicy(Policy::kKeepNewest);
  EXPECT_EQ(ring.BeginFill()->evicted, 0U);
}

TEST(RingFill, UnlinkFreesTheSlotOfAFrame) {
  CheckedRing ring(2, Policy::kKeepOldest);
  ring.CaptureAll(0, 1);
  EXPECT_TRUE(ring.Unlink(0));
  EXPECT_FALSE(ring.Unlink(0));
  EXPECT_FALSE(ring.Unlink(2));
  EXPECT_EQ(ring.look().Find(0), std::nullopt);
  EXPECT_EQ(ring.Capture(2), 0U);
}

TEST(RingFill, RetiringTakesAllNamesAway) {
  CheckedRing ring(4);
  ring.CaptureAll(5, 7);
  const auto fill = ring.BeginFill();
  ASSERT_TRUE(fill);
  EXPECT_THAT(ring.Retire(), ElementsAre(5, 6, 7));
  EXPECT_THAT(ring.Retire(), IsEmpty());
  EXPECT_EQ(ring.look().Newest(), std::nullopt);
  EXPECT_EQ(ring.occupancy().free, 3U);
  EXPECT_TRUE(ring.look().Filling(fill->slot)) << "what the device is writing stays the device's";
  ring.Cancel(fill->slot);
}

// Somebody opens latest.raw at any time.
TEST(RingFill, TheNewestFrameIsNotGivenUpForASlotAhead) {
  CheckedRing ring(3);
  ring.CaptureAll(0, 2);
  ring.Hold(0);
  ring.Hold(1);
  EXPECT_EQ(ring.BeginFill(Ring::Need::kAhead), std::nullopt);
  EXPECT_TRUE(ring.look().Named(2));
  EXPECT_EQ(ring.wakeups, 0) << "whoever completes a frame asks again";
  ring.Release(0);
  EXPECT_EQ(ring.BeginFill(Ring::Need::kAhead)->evicted, 0U);
  EXPECT_EQ(ring.BeginFill()->evicted, 2U) << "else the next frame would be lost";
}

TEST(RingFill, CountersAddUp) {
  RingCounters sum{.captured = 1, .delivered = 2, .recycled = 3};
  sum += {.captured = 10, .delivered = 20, .recycled = 30, .dropped = 4, .failed = 5, .present = 6};
  EXPECT_EQ(sum.captured, 11U);
  EXPECT_EQ(sum.delivered, 22U);
  EXPECT_EQ(sum.recycled, 33U);
  EXPECT_EQ(sum.dropped, 4U);
  EXPECT_EQ(sum.failed, 5U);
  EXPECT_EQ(sum.present, 6U);
}

}  // namespace
}  // namespace grabfs
