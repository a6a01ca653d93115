// SPDX-License-Identifier: Apache-2.0
//
// Thousands of buffers: what capture and openers do for each frame must not depend on their number.
// Times are compared with each other only, and generously: a search through all slots would be
// beyond the bound by far.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "tests/unit/ring/checked_ring.h"

namespace grabfs {
namespace {

constexpr bool kMayBeMapped = true;
constexpr uint32_t kFew = 16;
constexpr uint32_t kMany = 4096;

// Seconds that `frames` frames take, each captured into a full ring, opened and closed, and asked
// for once more when it is gone.
double TimeCapture(uint32_t slots, uint64_t frames) {
  Ring ring({.slots = slots, .policy = Policy::kKeepNewest, .probe = {}, .on_available = {}});
  uint64_t sequence = 0;
  const auto capture = [&] {
    ring.Complete(ring.BeginFill()->slot, {.sequence = sequence});
    const auto frame = ring.Hold(sequence++);
    ring.Release(frame->slot, false);
    EXPECT_FALSE(ring.Hold(sequence - slots - 1)) << "recycled, or a number never used";
  };
  while (sequence < slots) capture();
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t frame = 0; frame < frames; ++frame) capture();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST(RingScale, AFrameCostsTheSameWithManyBuffers) {
  double few = std::numeric_limits<double>::max();
  double many = few;
  for (int repeat = 0; repeat < 5; ++repeat) {
    few = std::min(few, TimeCapture(kFew, 20'000));
    many = std::min(many, TimeCapture(kMany, 20'000));
  }
  // The trees are two and a half times as high; 256 times as many slots to search would show.
  EXPECT_LT(many, 20 * few);
}

TEST(RingScale, OneProbeIsEnoughToFindAnIdleSlotAmongManyThatMayBeMapped) {
  CheckedRing ring(kMany);
  for (uint32_t slot = 0; slot < kMany; ++slot) {
    ring.HoldSlot(slot);
    ring.Release(slot, kMayBeMapped);
  }
  EXPECT_TRUE(ring.BeginFill());
  EXPECT_EQ(ring.probes, 1);
}

TEST(RingScale, OfManyMappedSlotsAFrameProbesOneMoreAtMost) {
  CheckedRing ring(kMany);
  for (uint32_t slot = 0; slot + 2 < kMany; ++slot) {
    ring.HoldSlot(slot);
    ring.mapped.insert(slot);
    ring.Release(slot, kMayBeMapped);
  }
  constexpr int kFrames = 100;
  ring.CaptureAll(0, kFrames - 1);
  EXPECT_LE(ring.probes, static_cast<int>(kMany) + kFrames);
  EXPECT_EQ(ring.counters().dropped, 0U);
}

}  // namespace
}  // namespace grabfs
