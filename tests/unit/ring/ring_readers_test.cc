// SPDX-License-Identifier: Apache-2.0
//
// Frames held through the ring's file: nobody fills what a reader holds, whatever else happens, and
// what liars write has no more effect than their words allow.
#include <cerrno>
#include <thread>

#include "tests/unit/ring/shared_ring.h"

namespace grabfs {
namespace {

constexpr uint32_t kSlots = 4;

class RingReaders : public ::testing::Test {
 protected:
  explicit RingReaders(Policy policy = Policy::kKeepNewest)
      : ring_({.slots = kSlots,
               .policy = policy,
               .probe = nullptr,
               .on_available = [this] { ++wakeups_; },
               .on_renew = [this](uint32_t slot) { to_renew_.push_back(slot); }}) {
    ring_.Share(shared_.file);
  }

  // The slot of the frame, or nullopt: there was no buffer for it.
  std::optional<uint32_t> Capture(uint64_t sequence) {
    const auto fill = ring_.BeginFill();
    if (!fill) {
      ring_.Drop(1);
      return std::nullopt;
    }
    ring_.Complete(fill->slot, {.sequence = sequence, .timestamp_ns = sequence * 10});
    return fill->slot;
  }
  void CaptureAll(uint64_t first, uint64_t last) {
    for (uint64_t sequence = first; sequence <= last; ++sequence) Capture(sequence);
  }

  int wakeups_ = 0;
  std::vector<uint32_t> to_renew_;
  SharedFile shared_{kSlots};
  Ring ring_;
};

class RingReadersKeepOldest : public RingReaders {
 protected:
  RingReadersKeepOldest() : RingReaders(Policy::kKeepOldest) {}
};

TEST_F(RingReaders, TheNewestFrameIsFoundWithItsAttributes) {
  SharedReader reader(shared_, 2);
  EXPECT_EQ(reader.HoldNewest(), std::nullopt);
  CaptureAll(0, 6);
  EXPECT_EQ(reader.HoldNewest(), 6U);
  EXPECT_EQ(reader.frame.timestamp_ns, 60U);
  EXPECT_EQ(shared_.header().next_sequence, 7U);
}

TEST_F(RingReaders, FramesBeforeTheFileAreThere) {
  Ring ring({.slots = 2});
  ring.Complete(ring.BeginFill()->slot, {.sequence = 5});
  SharedFile shared(2);
  ring.Share(shared.file);
  SharedReader reader(shared, 1);
  EXPECT_EQ(reader.HoldNewest(), 5U);
}

TEST_F(RingReaders, AHeldFrameIsNotRecycled) {
  SharedReader reader(shared_, 1);
  CaptureAll(0, 0);
  ASSERT_EQ(reader.HoldNewest(), 0U);
  CaptureAll(1, 20);
  EXPECT_TRUE(ring_.Named(0));
  EXPECT_EQ(ring_.States(), "Rrrr");
  reader.Release();
  EXPECT_EQ(ring_.States(), "rrrr");
  EXPECT_EQ(Capture(21), 0U);
}

TEST_F(RingReaders, WithEverythingHeldFramesAreDroppedAndCaptureIsToldToLookAgain) {
  SharedReader reader(shared_, kSlots);
  for (uint32_t word = 0; word < kSlots; ++word) {
    Capture(word);
    ASSERT_EQ(reader.HoldNewest(word), word);
  }
  EXPECT_EQ(Capture(4), std::nullopt);
  EXPECT_TRUE(ring_.WaitsForReaders());
  EXPECT_EQ(wakeups_, 0) << "nobody knows better";
  EXPECT_EQ(shared_.header().dropped, 1U);
  reader.Release(2);
  EXPECT_EQ(Capture(5), 2U);
  EXPECT_FALSE(ring_.WaitsForReaders());
}

TEST_F(RingReaders, TheHoldsOfTheDeadAreBackWithTheNextFrame) {
  SharedReader reader(shared_, kSlots);
  for (uint32_t word = 0; word < kSlots; ++word) {
    Capture(word);
    ASSERT_EQ(reader.HoldNewest(word), word);
  }
  ASSERT_EQ(Capture(4), std::nullopt);
  reader.Die();
  EXPECT_EQ(Capture(5), 0U);
}

TEST_F(RingReaders, AnUnlinkedFrameStaysForItsHolderAndNobodyElse) {
  SharedReader holder(shared_, 1);
  SharedReader other(shared_, 1);
  CaptureAll(0, 1);
  ASSERT_EQ(holder.HoldNewest(), 1U);
  ASSERT_TRUE(ring_.Unlink(1));
  EXPECT_EQ(other.HoldNewest(), 0U);
  EXPECT_EQ(other.HoldNext(1), std::nullopt);
  CaptureAll(2, 20);
  EXPECT_EQ(ring_.At(holder.frame.slot)->sequence, 1U) << "refilled while it was held";
  holder.Release();
  EXPECT_EQ(Capture(21), holder.frame.slot);
}

TEST_F(RingReaders, WhoTakesNamesAwayFreesWhatNobodyHolds) {
  CaptureAll(0, 3);
  ring_.Unlink(2);
  EXPECT_EQ(ring_.States(), "rrer");
}

TEST_F(RingReadersKeepOldest, AFrameUnlinkedWhileHeldGivesItsBufferBackLater) {
  SharedReader reader(shared_, 1);
  CaptureAll(0, 3);
  ASSERT_EQ(reader.HoldNext(0), 0U);
  ring_.Unlink(0);
  EXPECT_EQ(Capture(4), std::nullopt);
  EXPECT_TRUE(ring_.WaitsForReaders());
  reader.Release();
  EXPECT_EQ(Capture(5), 0U);
}

TEST_F(RingReaders, HeldOverTheRingIsHeldForRenewalToo) {
  SharedReader reader(shared_, 1);
  CaptureAll(0, 3);
  ASSERT_EQ(reader.HoldNext(0), 0U);
  ring_.InFlight(0);
  CaptureAll(4, 10);
  EXPECT_TRUE(to_renew_.empty());
  reader.Release();
  Capture(11);
  EXPECT_EQ(to_renew_, std::vector<uint32_t>{0});
  EXPECT_EQ(reader.HoldNext(0), 9U) << "a slot that gets other pages has no frame";
}

TEST_F(RingReaders, AFrameThatAPassFoundHeldCountsAsDelivered) {
  SharedReader reader(shared_, 1);
  CaptureAll(0, 0);
  reader.HoldNewest();
  CaptureAll(1, 1);
  reader.Release();
  CaptureAll(2, 8);
  EXPECT_EQ(ring_.Counters().delivered, 1U);
  EXPECT_EQ(ring_.Counters().recycled, 4U);
}

TEST_F(RingReaders, TheNewestIsTakenLastAndThenThereIsNone) {
  SharedReader reader(shared_, kSlots - 1);
  for (uint32_t word = 0; word + 1 < kSlots; ++word) {
    Capture(word);
    reader.HoldNewest(word);
  }
  Capture(3);
  ring_.Unlink(0);
  ring_.Unlink(1);
  ring_.Unlink(2);
  const auto fill = ring_.BeginFill();
  ASSERT_TRUE(fill);
  EXPECT_EQ(fill->evicted, 3U);
  SharedReader other(shared_, 1);
  EXPECT_EQ(other.HoldNewest(), std::nullopt);
}

TEST_F(RingReaders, TheNextFrameIsFoundAndWhatIsMissingIsKnown) {
  SharedReader reader(shared_, 1);
  CaptureAll(0, 5);
  EXPECT_EQ(reader.HoldNext(0), 2U);
  EXPECT_EQ(reader.HoldNext(3), 3U);
  EXPECT_EQ(reader.HoldNext(5), 5U);
  EXPECT_EQ(reader.HoldNext(6), std::nullopt);
}

TEST_F(RingReaders, ACursorKeepsAsManyFramesAsThereAreFreeWords) {
  SharedReader reader(shared_, 2);
  grabfs_ring_keep_from(&reader.ring, 0);
  CaptureAll(0, 20);
  EXPECT_TRUE(ring_.Named(0));
  EXPECT_TRUE(ring_.Named(1));
  EXPECT_FALSE(ring_.Named(2));
  ASSERT_EQ(reader.HoldNext(0), 0U);
  grabfs_ring_keep_from(&reader.ring, 1);
  reader.Release();
  CaptureAll(21, 25);
  EXPECT_FALSE(ring_.Named(0));
  EXPECT_EQ(reader.HoldNext(1), 1U);
  grabfs_ring_keep_nothing(&reader.ring);
  reader.Release();
  CaptureAll(26, 30);
  EXPECT_FALSE(ring_.Named(1));
}

TEST_F(RingReaders, AWordThatHoldsAFrameIsOneLessForTheCursor) {
  SharedReader reader(shared_, 2);
  CaptureAll(0, 0);
  ASSERT_EQ(reader.HoldNext(0), 0U);
  grabfs_ring_keep_from(&reader.ring, 0);
  CaptureAll(1, 20);
  EXPECT_TRUE(ring_.Named(0));
  EXPECT_TRUE(ring_.Named(1));
  EXPECT_FALSE(ring_.Named(2));
}

TEST_F(RingReaders, CursorsOfAllLeaveTwoBuffers) {
  SharedReader stuck(shared_, 4);
  SharedReader quick(shared_, 2);
  grabfs_ring_keep_from(&stuck.ring, 0);
  CaptureAll(0, 10);
  grabfs_ring_keep_from(&quick.ring, 10);
  for (uint64_t wanted = 10; wanted < 20; ++wanted) {
    ASSERT_EQ(quick.HoldNext(wanted), wanted);
    grabfs_ring_keep_from(&quick.ring, wanted + 1);
    quick.Release();
    ASSERT_TRUE(Capture(wanted + 1)) << "a reader that does not read stops capture";
  }
}

TEST_F(RingReaders, LiesHoldNoMoreThanTheirWords) {
  SharedReader liar(shared_, 1);
  CaptureAll(0, 3);
  liar.page().words = 6;
  liar.page().magic = 0;
  for (uint32_t word = 0; word < GRABFS_HOLD_WORDS; ++word) {
    liar.page().held[word] = grabfs_ring_slot_at(&shared_.header(), word % kSlots)->generation;
  }
  CaptureAll(4, 10);
  EXPECT_TRUE(ring_.Named(0));
  EXPECT_FALSE(ring_.Named(1));
  liar.page().cursor = ~uint64_t{0};
  for (const uint64_t word : {uint64_t{1}, ~uint64_t{0}, uint64_t{0xfffff} << 2, uint64_t{2}}) {
    liar.page().held[0] = word;
    EXPECT_TRUE(Capture(100 + word % 7 + ring_.Newest()->info.sequence));
  }
}

TEST_F(RingReaders, OldWordsHoldNothing) {
  SharedReader reader(shared_, 1);
  CaptureAll(0, 0);
  ASSERT_EQ(reader.HoldNewest(), 0U);
  const uint64_t old = reader.page().held[0];
  reader.Release();
  CaptureAll(1, 4);
  reader.page().held[0] = old;
  CaptureAll(5, 8);
  EXPECT_EQ(ring_.States(), "rrrr");
}

TEST_F(RingReaders, ASupersededRingSaysSoAndItsFramesStay) {
  SharedReader reader(shared_, 2);
  CaptureAll(0, 1);
  ASSERT_EQ(reader.HoldNewest(), 1U);
  ring_.Retire();
  EXPECT_EQ(grabfs_ring_hold_newest(&reader.ring, 1, &reader.frame), -ESTALE);
  EXPECT_EQ(grabfs_ring_hold_next(&reader.ring, 1, 0, &reader.frame), -ESTALE);
  EXPECT_EQ(ring_.States(), "eRee");
  EXPECT_EQ(ring_.At(reader.frame.slot)->sequence, 1U);
}

TEST_F(RingReaders, NumbersAreNotUsedAgainInTheNextRing) {
  const auto numbers = std::make_shared<std::atomic<uint64_t>>(0);
  uint64_t last = 0;
  for (int rings = 0; rings < 3; ++rings) {
    SharedFile shared(kSlots, numbers);
    Ring ring({.slots = kSlots});
    ring.Share(shared.file);
    for (uint64_t sequence = 0; sequence < 5; ++sequence) {
      ring.Complete(ring.BeginFill()->slot, {.sequence = sequence});
      EXPECT_GT(shared.header().newest >> GRABFS_NUMBER_SHIFT, last);
      last = shared.header().newest >> GRABFS_NUMBER_SHIFT;
    }
  }
}

// As if the frame had been recycled between the reader's steps.
TEST_F(RingReaders, WhatIsNotThereAnyMoreIsNotHeld) {
  SharedReader reader(shared_, 1);
  CaptureAll(0, 0);
  const uint64_t old = shared_.header().newest;
  CaptureAll(1, 4);
  static_cast<grabfs_ring_header*>(shared_.memory.get())->newest = old;
  EXPECT_EQ(grabfs_ring_hold_newest(&reader.ring, 0, &reader.frame), -EBUSY);
  EXPECT_EQ(reader.page().held[0], 0U);
}

TEST_F(RingReaders, WhatIsUndecidedIsNeitherHeldNorLost) {
  SharedReader reader(shared_, 1);
  CaptureAll(0, 3);
  auto* const slot = const_cast<grabfs_ring_slot*>(grabfs_ring_slot_at(&shared_.header(), 1));
  slot->generation |= GRABFS_SLOT_UNDECIDED;
  EXPECT_EQ(grabfs_ring_hold_next(&reader.ring, 0, 1, &reader.frame), -EBUSY);
  EXPECT_EQ(reader.HoldNext(2), 2U);
  slot->generation &= ~uint64_t{GRABFS_SLOT_UNLINKED};
  EXPECT_EQ(reader.HoldNext(1), 1U);
}

TEST_F(RingReaders, AReaderOfAnotherRingIsSentAway) {
  SharedReader reader(shared_, 1);
  SharedFile other(kSlots);
  grabfs_ring_reader attached{};
  reader.page().ring = kRingInode + 1;
  EXPECT_EQ(grabfs_ring_attach(&attached, other.memory.get(), other.bytes, &reader.page(),
                               sizeof(grabfs_hold_page)),
            -ESTALE);
  EXPECT_EQ(grabfs_ring_attach(&attached, other.memory.get(), other.bytes - 1, &reader.page(),
                               sizeof(grabfs_hold_page)),
            -EPROTO);
  reader.page().magic = 0;
  EXPECT_EQ(grabfs_ring_attach(&attached, other.memory.get(), other.bytes, &reader.page(),
                               sizeof(grabfs_hold_page)),
            -EPROTO);
}

TEST_F(RingReaders, WaitingEndsWithAFrameAChangeOfStateAndTheTime) {
  SharedReader reader(shared_, 1);
  const auto seen = grabfs_ring_look(&reader.ring);
  EXPECT_EQ(grabfs_ring_wait(&reader.ring, seen, 1'000'000), -ETIMEDOUT);
  std::thread daemon([this] {
    Capture(0);
    ring_.WakeReaders();
  });
  EXPECT_EQ(grabfs_ring_wait(&reader.ring, seen, 30'000'000'000), 0);
  daemon.join();
  const auto then = grabfs_ring_look(&reader.ring);
  ring_.ShowState(GRABFS_STATE_GONE);
  ring_.WakeReaders();
  EXPECT_EQ(grabfs_ring_wait(&reader.ring, then, 30'000'000'000), 0);
}

TEST_F(RingReaders, AnInterruptionEndsTheWaiting) {
  SharedReader reader(shared_, 1);
  uint32_t interrupted = 0;
  reader.ring.interrupted = &interrupted;
  const auto seen = grabfs_ring_look(&reader.ring);
  std::thread other([&] {
    while (__atomic_load_n(&reader.page().waiting, __ATOMIC_SEQ_CST) == 0)
      std::this_thread::yield();
    __atomic_store_n(&interrupted, 1, __ATOMIC_SEQ_CST);
    grabfs_ring_interrupt(&reader.ring);
  });
  EXPECT_EQ(grabfs_ring_wait(&reader.ring, seen, 30'000'000'000), 0);
  other.join();
  EXPECT_EQ(grabfs_ring_wait(&reader.ring, seen, 30'000'000'000), 0) << "nobody sleeps any more";
}

}  // namespace
}  // namespace grabfs
