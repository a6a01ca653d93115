// SPDX-License-Identifier: Apache-2.0
//
// One capture thread against readers that open, close, map, send off and unlink at random. The
// pixels are plain memory without any lock of their own: only the ring's promises order the
// accesses, so that ThreadSanitizer proves them and a torn frame fails in any build.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
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
               .on_available = [this] { Wake(); },
               .on_renew = [this](uint32_t slot) { AskForRenewal(slot); }}) {
    for (auto& pages : pages_) pages = std::make_shared<Pixels>();
  }

  void AskForRenewal(uint32_t slot) {
    {
      const std::lock_guard lock(mutex_);
      to_renew_.push_back(slot);
    }
    renewal_.notify_one();
  }

  // The renewing thread: whoever has sent pages off keeps them, the slot gets others.
  void Renew() {
    std::unique_lock lock(mutex_);
    for (uint64_t count = 1;; ++count) {
      renewal_.wait(lock, [this] { return !to_renew_.empty() || done_; });
      if (to_renew_.empty()) return;
      const uint32_t slot = to_renew_.back();
      to_renew_.pop_back();
      lock.unlock();
      if (count % 10 == 0) {
        ring_.PutAside(slot);
      } else {
        pages_[slot] = std::make_shared<Pixels>();
        ++renewed_;
        ring_.Renewed(slot);
      }
      lock.lock();
    }
  }

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
    pages_[fill->slot]->fill(sequence);
    if (sequence % 101 == 100) return ring_.Fail(fill->slot);
    ring_.Complete(fill->slot, {.sequence = sequence});
  }

  void Capture() {
    // Longer where others had no turn, on a loaded machine.
    for (; (frames_ < kFrames || renewed_ == 0) && !HasFatalFailure(); ++frames_) {
      CaptureFrame(frames_);
      if (frames_ % 50 == 49) ring_.Drop(1);
    }
    const std::lock_guard lock(mutex_);
    done_ = true;
    renewal_.notify_all();
  }

  static void ExpectWhole(const Pixels& pixels, uint64_t sequence) {
    for (const uint64_t pixel : pixels) ASSERT_EQ(pixel, sequence) << "a torn frame";
  }

  void ReadOne(std::mt19937_64& random) {
    const auto oldest = ring_.Oldest();
    if (!oldest) return std::this_thread::yield();
    const uint64_t sequence = oldest->info.sequence + random() % kSlots;
    const auto frame = ring_.Hold(sequence);
    if (!frame) return;
    const std::shared_ptr<const Pixels> pages = pages_[frame->slot];
    ExpectWhole(*pages, sequence);
    if (random() % 4 == 0) ring_.Unlink(sequence);
    const bool map = random() % 2 == 0;
    const bool send = random() % 2 == 0;
    if (map) ++mappings_[frame->slot];
    if (send) ring_.InFlight(sequence);
    ring_.Release(frame->slot, map);
    if (map || send) ExpectWhole(*pages, sequence);
    if (map) --mappings_[frame->slot];
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
      for (const uint32_t slot : ring_.Aside()) ring_.RenewAgain(slot);
      if (const auto oldest = ring_.Oldest()) ring_.Unlink(oldest->info.sequence);
      const RingCounters counters = ring_.Counters();
      EXPECT_EQ(counters.captured, counters.delivered + counters.recycled + counters.dropped +
                                       counters.failed + counters.present);
      std::this_thread::yield();
    }
  }

  std::array<std::shared_ptr<Pixels>, kSlots> pages_{};
  std::array<std::atomic<int>, kSlots> mappings_{};
  std::atomic<bool> done_ = false;
  std::atomic<int> renewed_ = 0;
  uint64_t frames_ = 0;
  std::mutex mutex_;
  std::condition_variable available_;
  std::condition_variable renewal_;
  bool woken_ = false;
  std::vector<uint32_t> to_renew_;
  Ring ring_;
};

TEST_P(RingThreads, EveryReaderSeesWholeFramesAndTheBooksClose) {
  std::vector<std::thread> threads;
  for (int reader = 0; reader < kReaders; ++reader) {
    threads.emplace_back([this, reader] { Read(static_cast<uint64_t>(reader)); });
  }
  threads.emplace_back([this] { Housekeep(); });
  threads.emplace_back([this] { Renew(); });
  Capture();
  for (std::thread& thread : threads) thread.join();

  EXPECT_TRUE(ring_.Recheck().empty());
  const RingCounters counters = ring_.Counters();
  EXPECT_EQ(counters.captured, frames_ + frames_ / 50);
  EXPECT_EQ(counters.dropped, frames_ / 50);
  EXPECT_EQ(counters.failed, frames_ / 101);
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
