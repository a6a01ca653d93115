// SPDX-License-Identifier: Apache-2.0
//
// Slots of which bytes are on their way: never filled before they were renewed, renewed one ahead
// of need, and the newest frame only when there is nothing else.
#include <gtest/gtest.h>

#include "tests/unit/ring/checked_ring.h"

namespace grabfs {
namespace {

constexpr bool kMayBeMapped = true;
using Slots = std::vector<uint32_t>;
using Sequences = std::vector<uint64_t>;

// Opens, sends off and closes.
void SendOff(CheckedRing& ring, uint64_t sequence, bool may_be_mapped = false) {
  const auto frame = ring.Hold(sequence);
  ASSERT_TRUE(frame);
  ring.InFlight(sequence);
  ring.Release(frame->slot, may_be_mapped);
}

TEST(RingRenewal, AFrameInFlightKeepsItsNameUntilItsTurnComes) {
  CheckedRing ring(4);
  ring.CaptureAll(0, 2);
  SendOff(ring, 0);
  EXPECT_EQ(ring.renewals, Slots());
  EXPECT_TRUE(ring.look().Named(0));
  EXPECT_EQ(ring.look().States(), "rrre");
}

TEST(RingRenewal, TheNextOneIsRenewedAheadOfNeed) {
  CheckedRing ring(4);
  ring.CaptureAll(0, 2);
  SendOff(ring, 0);
  EXPECT_EQ(ring.Capture(3), 3U) << "the free one";
  EXPECT_EQ(ring.renewals, Slots({0}));
  EXPECT_EQ(ring.TakeEvicted(), Sequences({0}));
  EXPECT_EQ(ring.TakeEvicted(), Sequences());
  ring.Renew();
  EXPECT_EQ(ring.Capture(4), 0U);
}

TEST(RingRenewal, WhatNobodySentOffNeedsNone) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ring.Hold(0);
  ring.Release(0);
  ring.CaptureAll(2, 9);
  EXPECT_EQ(ring.renewals, Slots());
  EXPECT_EQ(ring.TakeEvicted(), Sequences());
}

TEST(RingRenewal, TheOldestThatIsReadyIsTakenMeanwhile) {
  CheckedRing ring(4);
  ring.CaptureAll(0, 3);
  SendOff(ring, 0);
  SendOff(ring, 1);
  const auto fill = ring.BeginFill();
  ASSERT_TRUE(fill);
  EXPECT_EQ(fill->evicted, 2U);
  EXPECT_EQ(ring.renewals, Slots({0}));
  EXPECT_TRUE(ring.look().Named(1)) << "one renewal at a time gives up one frame at a time";
}

TEST(RingRenewal, ARefusalSaysThatOneComesSoonAndRenewedWakes) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  SendOff(ring, 0);
  SendOff(ring, 1);
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  EXPECT_TRUE(ring.look().WaitsForRenewal());
  EXPECT_EQ(ring.TakeEvicted(), Sequences({0}));
  EXPECT_TRUE(ring.look().Named(1));
  EXPECT_EQ(ring.wakeups, 0);
  ring.Renew();
  EXPECT_EQ(ring.wakeups, 1);
  EXPECT_EQ(ring.BeginFill()->slot, 0U);
  EXPECT_FALSE(ring.look().WaitsForRenewal());
}

TEST(RingRenewal, TheNewestIsGivenUpOnlyWhenThereIsNothingElse) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  SendOff(ring, 1);
  const auto fill = ring.BeginFill();
  EXPECT_EQ(fill->evicted, 0U);
  EXPECT_TRUE(ring.look().Named(1));
  EXPECT_EQ(ring.renewals, Slots());
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  EXPECT_EQ(ring.TakeEvicted(), Sequences({1}));
  EXPECT_TRUE(ring.look().WaitsForRenewal());
}

TEST(RingRenewal, KeepOldestGivesUpNothing) {
  CheckedRing ring(2, Policy::kKeepOldest);
  ring.CaptureAll(0, 1);
  SendOff(ring, 0);
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  EXPECT_FALSE(ring.look().WaitsForRenewal());
  EXPECT_TRUE(ring.look().Named(0));
  ring.Unlink(0);
  EXPECT_EQ(ring.renewals, Slots({0})) << "nameless: at once";
  ring.Renew();
  EXPECT_EQ(ring.wakeups, 1);
  EXPECT_EQ(ring.BeginFill()->slot, 0U);
}

TEST(RingRenewal, AFrameThatLostItsNameIsRenewedAtItsLastRelease) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ring.Hold(0);
  ring.InFlight(0);
  ring.Unlink(0);
  EXPECT_EQ(ring.renewals, Slots()) << "somebody reads it";
  ring.Release(0);
  EXPECT_EQ(ring.renewals, Slots({0}));
  EXPECT_FALSE(ring.Hold(0));
}

TEST(RingRenewal, AMappedFrameIsNeverRenewed) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ring.mapped.insert(0);
  SendOff(ring, 0, kMayBeMapped);
  EXPECT_EQ(ring.Capture(2), 1U);
  ring.Unlink(0);
  ring.Recheck();
  EXPECT_EQ(ring.renewals, Slots());
  ring.mapped.clear();
  ring.Recheck();
  EXPECT_EQ(ring.renewals, Slots({0}));
}

TEST(RingRenewal, ItCannotBeHeldMeanwhile) {
  CheckedRing ring(1);
  ring.Capture(0);
  SendOff(ring, 0);
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  EXPECT_FALSE(ring.Hold(0));
  EXPECT_FALSE(ring.HoldSlot(0));
  EXPECT_EQ(ring.look().States(), "n");
  ring.Renew();
  EXPECT_TRUE(ring.HoldSlot(0));
}

TEST(RingRenewal, WhatIsPutAsideComesBack) {
  CheckedRing ring(1);
  ring.Capture(0);
  SendOff(ring, 0);
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  ring.PutAside();
  EXPECT_EQ(ring.look().States(), "a");
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  EXPECT_FALSE(ring.look().WaitsForRenewal());
  EXPECT_EQ(ring.look().Aside(), Slots({0}));
  ring.RenewAgain(0);
  ring.RenewAgain(0);
  EXPECT_EQ(ring.look().States(), "n");
  ring.Renew();
  EXPECT_EQ(ring.wakeups, 1);
  EXPECT_TRUE(ring.BeginFill());
}

TEST(RingRenewal, PuttingOneAsideHasTheNextOneRenewed) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  SendOff(ring, 0);
  SendOff(ring, 1);
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  ring.PutAside();
  EXPECT_EQ(ring.wakeups, 1);
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  EXPECT_EQ(ring.renewals, Slots({1}));
}

TEST(RingRenewal, OfASlotOnlyWhatItsHolderSentOffCounts) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ring.SlotInFlight(0);
  EXPECT_EQ(ring.Capture(2), 0U);
  ring.HoldSlot(1);
  ring.SlotInFlight(1);
  ring.Release(1);
  EXPECT_EQ(ring.BeginFill(), std::nullopt) << "rather than the newest";
  EXPECT_EQ(ring.renewals, Slots({1}));
}

TEST(RingRenewal, OrOfASlotWhoseFrameHeHolds) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ring.Hold(0);
  ring.SlotInFlight(0);
  ring.Release(0);
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  EXPECT_EQ(ring.renewals, Slots({0}));
}

// A program may let go of a frame without a call. Its reads are collected before the slot is
// filled.
TEST(RingRenewal, WhatIsLearntBeforeASlotIsFilledCounts) {
  CheckedRing ring(3);
  ring.confirms = false;
  ring.CaptureAll(0, 2);
  ring.Hold(0);
  ring.Release(0);
  const auto fill = ring.BeginFill();
  ASSERT_TRUE(fill && fill->undecided);
  ring.SlotInFlight(0);
  EXPECT_FALSE(ring.Confirm(0));
  EXPECT_EQ(ring.renewals, Slots({0}));
  const auto next = ring.BeginFill();
  ASSERT_EQ(next->slot, 1U);
  EXPECT_FALSE(next->undecided) << "nobody has held it";
}

TEST(RingRenewal, WhatIsLearntLaterDoesNot) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ring.Hold(0);
  ring.Release(0);
  const auto fill = ring.BeginFill();
  ASSERT_TRUE(fill && fill->undecided);  // and confirmed
  ring.SlotInFlight(0);
  ring.AllInFlight();
  ring.Complete(0, {.sequence = 2});
  EXPECT_EQ(ring.Capture(3), 1U);
  EXPECT_EQ(ring.Capture(4), 0U);
  EXPECT_EQ(ring.renewals, Slots());
}

TEST(RingRenewal, WhatIsLearntOfASlotThatIsFreeCounts) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ring.Hold(0);
  ring.Release(0);
  ring.Unlink(0);
  ring.SlotInFlight(0);
  EXPECT_EQ(ring.renewals, Slots({0}));
}

TEST(RingRenewal, AllMeansAllThatHaveBeenHeld) {
  CheckedRing ring(4);
  ring.CaptureAll(0, 2);
  ring.Hold(1);
  ring.Release(1);
  ring.HoldSlot(3);
  ring.Release(3);
  ring.AllInFlight();
  EXPECT_EQ(ring.renewals, Slots()) << "what is in an empty one is nobody's frame";
  EXPECT_EQ(ring.Capture(3), 3U);
  EXPECT_EQ(ring.Capture(4), 0U) << "never opened";
  EXPECT_EQ(ring.renewals, Slots({1}));
}

TEST(RingRenewal, TheNewestIsNotRenewedForASlotAhead) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ring.Hold(0);
  SendOff(ring, 1);
  EXPECT_EQ(ring.BeginFill(Ring::Need::kAhead), std::nullopt);
  EXPECT_TRUE(ring.look().Named(1));
  EXPECT_FALSE(ring.look().WaitsForRenewal());
  EXPECT_EQ(ring.BeginFill(), std::nullopt);
  EXPECT_FALSE(ring.look().Named(1));
}

TEST(RingRenewal, ARetiredRingRenewsNothing) {
  CheckedRing ring(2);
  ring.CaptureAll(0, 1);
  ring.Hold(0);
  ring.InFlight(0);
  ring.Retire();
  ring.Release(0);
  EXPECT_EQ(ring.renewals, Slots());
}

// Renewal that is always one frame behind, and every frame is sent off: nothing is lost.
TEST(RingRenewal, AllReadersSendAllOffAndNothingIsDropped) {
  CheckedRing ring(4);
  for (uint64_t sequence = 0; sequence < 1000; ++sequence) {
    ASSERT_TRUE(ring.Capture(sequence)) << sequence;
    SendOff(ring, sequence);
    while (!ring.renewals.empty()) ring.Renew();
  }
  EXPECT_EQ(ring.counters().dropped, 0U);
  EXPECT_EQ(ring.TakeEvicted().size() + ring.counters().present, 1000U);
}

}  // namespace
}  // namespace grabfs
