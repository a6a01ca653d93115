// SPDX-License-Identifier: Apache-2.0
//
// One capture thread against readers that open, close, map and unlink at random. The pixels are
// plain memory without any lock of their own: only the ring's promises order the accesses, so that
// ThreadSanitizer proves them and a torn frame fails in any build.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "fusefs/ring/ring.h"

namespace grabfs {
namespace {

constexpr uint32_t kSlots = 6;
constexpr uint64_t kFrames = 20'000;
constexpr int kReaders = 4;
constexpr auto kLongest = std::chrono::seconds(30);  // of a wait that ought to end at once

class RingThreads : public ::testing::TestWithParam<Policy> {
 protected:
  using Pixels = std::array<uint64_t, 16>;

  RingThreads()
      : ring_({.slots = kSlots,
               .policy = GetParam(),
               .probe = [this](uint32_t slot) { return mappings_[slot] > 0; },
               .on_available = [this] { Wake(); }}) {}

  void Wake() {
    {
      const std::lock_guard lock(mutex_);
      woken_ = true;
    }
    available_.notify_one();
  }

  // False: nobody woke us, although somebody must have.
  bool AwaitWakeup() {
    std::unique_lock lock(mutex_);
    const bool woken = available_.wait_for(lock, kLongest, [this] { return woken_; });
    woken_ = false;
    return woken;
  }

  void CaptureFrame(uint64_t sequence) {
    auto fill = ring_.BeginFill();
    while (!fill) {
      ASSERT_TRUE(AwaitWakeup()) << "the ring forgot to wake capture";
      fill = ring_.BeginFill();
    }
    pixels_[fill->slot].fill(sequence);
    if (sequence % 101 == 100) return ring_.Fail(fill->slot);
    ring_.Complete(fill->slot, {.sequence = sequence});
  }

  void Capture() {
    for (uint64_t sequence = 0; sequence < kFrames && !HasFatalFailure(); ++sequence) {
      CaptureFrame(sequence);
      if (sequence % 50 == 49) ring_.Drop(1);
    }
    done_ = true;
  }

  void ExpectWhole(uint32_t slot, uint64_t sequence) const {
    for (const uint64_t pixel : pixels_[slot]) ASSERT_EQ(pixel, sequence) << "a torn frame";
  }

  void ReadOne(std::mt19937_64& random) {
    const auto oldest = ring_.Oldest();
    if (!oldest) return std::this_thread::yield();
    const uint64_t sequence = oldest->info.sequence + random() % kSlots;
    const auto frame = ring_.Hold(sequence);
    if (!frame) return;
    ExpectWhole(frame->slot, sequence);
    if (random() % 4 == 0) ring_.Unlink(sequence);
    const bool map = random() % 2 == 0;
    if (map) ++mappings_[frame->slot];
    ring_.Release(frame->slot, map);
    if (!map) return;
    ExpectWhole(frame->slot, sequence);
    --mappings_[frame->slot];
  }

  void Read(uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!done_ && !HasFatalFailure()) ReadOne(random);
  }

  // What the housekeeping thread does: looks at mapped slots again, and keep-oldest's user, who
  // gives up what he has seen.
  void Housekeep() {
    while (!done_) {
      ring_.Recheck();
      if (const auto oldest = ring_.Oldest()) ring_.Unlink(oldest->info.sequence);
      const RingCounters counters = ring_.Counters();
      EXPECT_EQ(counters.captured, counters.delivered + counters.recycled + counters.dropped +
                                       counters.failed + counters.present);
      std::this_thread::yield();
    }
  }

  std::array<Pixels, kSlots> pixels_{};
  std::array<std::atomic<int>, kSlots> mappings_{};
  std::atomic<bool> done_ = false;
  std::mutex mutex_;
  std::condition_variable available_;
  bool woken_ = false;
  Ring ring_;
};

TEST_P(RingThreads, EveryReaderSeesWholeFramesAndTheBooksClose) {
  std::vector<std::thread> threads;
  for (int reader = 0; reader < kReaders; ++reader) {
    threads.emplace_back([this, reader] { Read(static_cast<uint64_t>(reader)); });
  }
  threads.emplace_back([this] { Housekeep(); });
  Capture();
  for (std::thread& thread : threads) thread.join();

  EXPECT_TRUE(ring_.Recheck().empty());
  const RingCounters counters = ring_.Counters();
  EXPECT_EQ(counters.captured, kFrames + kFrames / 50);
  EXPECT_EQ(counters.dropped, kFrames / 50);
  EXPECT_EQ(counters.failed, kFrames / 101);
  EXPECT_EQ(counters.captured, counters.delivered + counters.recycled + counters.dropped +
                                   counters.failed + counters.present);
  EXPECT_EQ(ring_.Occupancy().held, 0U);
}

INSTANTIATE_TEST_SUITE_P(Policies, RingThreads,
                         ::testing::Values(Policy::kKeepNewest, Policy::kKeepOldest),
                         [](const auto& tested) {
                           return tested.param == Policy::kKeepNewest ? "KeepNewest" : "KeepOldest";
                         });

}  // namespace
}  // namespace grabfs
