// SPDX-License-Identifier: Apache-2.0
//
// Capture and readers of the ring's file at full speed: those who look, who come and go, who lie.
// Pixels are plain memory without any lock, so only the protocol orders the accesses:
// ThreadSanitizer proves that it does, and a torn frame fails in any build.
#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <mutex>
#include <random>
#include <thread>

#include "tests/unit/ring/shared_ring.h"

namespace grabfs {
namespace {

constexpr uint32_t kSlots = 4;
constexpr uint64_t kFrames = 20'000;
constexpr uint64_t kSecond = 1'000'000'000;
constexpr size_t kWords = 32;

class RingReadersThreads : public ::testing::Test {
 protected:
  using Pixels = std::array<uint64_t, kWords>;

  RingReadersThreads()
      : ring_({.slots = kSlots, .on_renew = [this](uint32_t slot) { AskForRenewal(slot); }}) {
    ring_.Share(shared_.file);
  }
  ~RingReadersThreads() override {
    for (std::thread& thread : threads_) thread.join();
  }

  void AskForRenewal(uint32_t slot) {
    const std::lock_guard lock(mutex_);
    to_renew_.push_back(slot);
  }

  std::vector<uint32_t> TakeRenewals() {
    const std::lock_guard lock(mutex_);
    return std::exchange(to_renew_, {});
  }

  void Start(std::function<void()> body) { threads_.emplace_back(std::move(body)); }

  // By the capturing thread. `last`: of all.
  void Capture(uint64_t sequence, uint64_t last) {
    for (const uint32_t slot : TakeRenewals()) ring_.Renewed(slot);
    const auto fill = ring_.BeginFill();
    if (!fill) return ring_.Drop(1);
    for (uint64_t& word : pixels_[fill->slot]) word = sequence;
    if (sequence % 13 == 0 && sequence != last) {
      ring_.Cancel(fill->slot);
      return ring_.Drop(1);
    }
    ring_.Complete(fill->slot, {.sequence = sequence});
    ring_.WakeReaders();
    if (sequence % 7 == 0) ring_.Unlink(sequence - 1);
    if (sequence % 11 == 0) ring_.InFlight(sequence - 2);
  }

  // Twice, so that capture gets a chance to do wrong between.
  void Verify(const grabfs_ring_frame& frame) {
    for (int looks = 0; looks < 2; ++looks) {
      for (const uint64_t& word : pixels_[frame.slot]) torn_ += word != frame.sequence;
      std::this_thread::yield();
    }
  }

  // Until the frame `last`, or whatever was newest when capture ended.
  void FollowNewest(SharedReader& reader) {
    uint64_t newest = 0;
    while (!done_) {
      const auto seen = grabfs_ring_look(&reader.ring);
      if (!reader.HoldNewest() || reader.frame.sequence == newest) {
        reader.Release();
        (void)grabfs_ring_wait(&reader.ring, seen, kSecond / 100);
        continue;
      }
      newest = reader.frame.sequence;
      Verify(reader.frame);
      reader.Release();
      ++looked_at_;
    }
  }

  void LieUntilDone(SharedReader& reader) {
    std::mt19937_64 random(std::random_device{}());
    while (!done_) {
      for (uint64_t& word : reader.page().held) {
        const uint64_t real =
            __atomic_load_n(&grabfs_ring_slot_at(reader.ring.ring, random() % kSlots)->generation,
                            __ATOMIC_RELAXED);
        const std::array<uint64_t, 4> lies{random(), real, real + (1U << GRABFS_NUMBER_SHIFT), 0};
        __atomic_store_n(&word, lies[random() % lies.size()], __ATOMIC_RELEASE);
      }
      __atomic_store_n(&reader.page().cursor, random() % (2 * kFrames), __ATOMIC_RELEASE);
      __atomic_store_n(&reader.page().waiting, static_cast<uint32_t>(random()), __ATOMIC_RELEASE);
      std::this_thread::yield();
    }
  }

  SharedFile shared_{kSlots};
  std::array<Pixels, kSlots> pixels_{};
  std::mutex mutex_;  // guards to_renew_
  std::vector<uint32_t> to_renew_;
  Ring ring_;
  std::atomic<bool> done_ = false;
  std::atomic<uint64_t> torn_ = 0;
  std::atomic<uint64_t> looked_at_ = 0;
  std::vector<std::thread> threads_;
};

TEST_F(RingReadersThreads, NobodySeesAMixture) {
  std::vector<std::unique_ptr<SharedReader>> readers;
  for (int count = 0; count < 3; ++count) {
    readers.push_back(std::make_unique<SharedReader>(shared_, 1));
    Start([this, &reader = *readers.back()] { FollowNewest(reader); });
  }
  readers.push_back(std::make_unique<SharedReader>(shared_, 2));
  Start([this, &reader = *readers.back()] { LieUntilDone(reader); });
  Start([this] {  // who come and go, and die while they hold
    while (!done_) {
      SharedReader reader(shared_, 1);
      if (!reader.HoldNewest()) continue;
      Verify(reader.frame);
      reader.Die();
    }
  });
  Start([this] {  // and those who open frames as ever
    while (!done_) {
      const auto newest = ring_.Newest();
      const auto frame = newest ? ring_.Hold(newest->info.sequence) : std::nullopt;
      if (!frame) continue;
      for (const uint64_t& word : pixels_[frame->slot]) torn_ += word != frame->info.sequence;
      ring_.Release(frame->slot, false);
    }
  });
  for (uint64_t sequence = 1; sequence <= kFrames; ++sequence) {
    Capture(sequence, kFrames);
    if (sequence % 64 == 0) std::this_thread::yield();
  }
  while (looked_at_ == 0) std::this_thread::yield();
  done_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  EXPECT_EQ(torn_, 0U);
  const RingCounters counters = ring_.Counters();
  EXPECT_EQ(counters.captured, kFrames);
  EXPECT_EQ(counters.captured, counters.delivered + counters.recycled + counters.dropped +
                                   counters.failed + counters.present);
}

TEST_F(RingReadersThreads, WhoKeepsUpLosesNothingBesideALiar) {
  constexpr uint32_t kReaderWords = 2;
  SharedReader liar(shared_, 1);
  Start([this, &liar] { LieUntilDone(liar); });
  SharedReader reader(shared_, kReaderWords);
  grabfs_ring_keep_from(&reader.ring, 1);
  std::atomic<uint64_t> wanted = 1;
  uint64_t lost = 0;
  Start([&] {
    while (wanted <= kFrames / 2) {
      const auto seen = grabfs_ring_look(&reader.ring);
      const int result = grabfs_ring_hold_next(&reader.ring, 0, wanted, &reader.frame);
      if (result == -EAGAIN) (void)grabfs_ring_wait(&reader.ring, seen, kSecond);
      if (result == -EBUSY) std::this_thread::yield();
      if (result != 0) continue;
      const uint64_t got = reader.frame.sequence;
      Verify(reader.frame);
      lost += got - wanted;
      grabfs_ring_keep_from(&reader.ring, got + 1);
      reader.Release();
      wanted = got + 1;
    }
    done_ = true;
  });
  for (uint64_t sequence = 1; !done_; std::this_thread::yield()) {
    if (sequence >= wanted + kReaderWords || sequence > kFrames / 2) continue;
    const auto fill = ring_.BeginFill();
    if (!fill) continue;
    for (uint64_t& word : pixels_[fill->slot]) word = sequence;
    ring_.Complete(fill->slot, {.sequence = sequence++});
    ring_.WakeReaders();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  EXPECT_EQ(torn_, 0U);
  EXPECT_EQ(lost, 0U);
}

}  // namespace
}  // namespace grabfs
