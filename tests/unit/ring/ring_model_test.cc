// SPDX-License-Identifier: Apache-2.0
//
// Ring against the model, step by step, in long random walks of capture, readers and mappings. A
// failure prints the seed; the walk is repeated with GRABFS_RING_SEED=<seed>.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <vector>

#include "tests/unit/ring/checked_ring.h"
#include "tests/unit/ring/ring_model.h"

namespace grabfs {
namespace {

constexpr int kSteps = 100'000;

struct Walk {
  uint32_t slots;
  Policy policy;
};

class RingModelTest : public ::testing::TestWithParam<Walk> {
 protected:
  // `mapped` in CheckedRing is the one world that both look at.
  RingModelTest()
      : ring_(GetParam().slots, GetParam().policy),
        model_(GetParam().slots, GetParam().policy, ring_.mapped) {}

  static uint64_t Seed() {
    const char* wanted = std::getenv("GRABFS_RING_SEED");
    return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : std::random_device{}();
  }

  uint32_t Pick(size_t below) {
    return std::uniform_int_distribution<uint32_t>(0, static_cast<uint32_t>(below) - 1)(random_);
  }
  bool Chance(double probability) { return std::bernoulli_distribution(probability)(random_); }

  // A sequence number near those that exist; now and then one that is gone or not yet there.
  uint64_t PickSequence() {
    const uint64_t span = GetParam().slots + 4;
    const uint64_t back = Pick(span);
    return next_sequence_ + 1 < back ? 0 : next_sequence_ + 1 - back;
  }

  template <typename T>
  T Take(std::vector<T>& from) {
    const uint32_t index = Pick(from.size());
    const T taken = from[index];
    from[index] = from.back();
    from.pop_back();
    return taken;
  }

  void Step() {
    switch (Pick(12)) {
      case 0:
      case 1:
        return BeginFill();
      case 2:
      case 3:
        return EndFill();
      case 4:
        return HoldFrame();
      case 5:
        return HoldSlot();
      case 6:
      case 7:
        return Release();
      case 8:
        return Unmap();
      case 9:
        return SendOff();
      case 10:
        return AnswerRenewal();
      default:
        return Seldom();
    }
  }

  void BeginFill() {
    const auto fill = ring_.BeginFill();
    const auto expected = model_.BeginFill();
    ASSERT_EQ(fill.has_value(), expected.has_value());
    ASSERT_EQ(ring_.look().WaitsForRenewal(), model_.waits_for_renewal());
    if (!fill) {
      if (Chance(0.5)) DropOne();
      return;
    }
    ASSERT_EQ(fill->slot, expected->slot);
    ASSERT_EQ(fill->evicted, expected->evicted);
    ASSERT_FALSE(ring_.mapped.contains(fill->slot)) << "a slot was taken from its reader";
    filling_.push_back(fill->slot);
  }

  void DropOne() {
    ++next_sequence_;
    ring_.Drop(1);
    model_.Drop(1);
  }

  void EndFill() {
    if (filling_.empty()) return;
    const uint32_t slot = Take(filling_);
    if (Chance(0.8)) {
      const FrameInfo info{.sequence = next_sequence_++, .timestamp_ns = Pick(1000)};
      ASSERT_EQ(ring_.Complete(slot, info).dropped, model_.Complete(slot, info).dropped);
    } else if (Chance(0.5)) {
      ++next_sequence_;
      ring_.Fail(slot);
      model_.Fail(slot);
    } else {
      ring_.Cancel(slot);
      model_.Cancel(slot);
    }
  }

  void HoldFrame() {
    const uint64_t sequence = PickSequence();
    const auto frame = ring_.Hold(sequence);
    const auto expected = model_.Hold(sequence);
    ASSERT_EQ(frame.has_value(), expected.has_value()) << sequence;
    if (!frame) return;
    ASSERT_EQ(frame->slot, expected->slot);
    ASSERT_EQ(frame->info.sequence, sequence);
    held_.push_back(frame->slot);
  }

  void HoldSlot() {
    const uint32_t slot = Pick(GetParam().slots);
    const bool held = ring_.HoldSlot(slot);
    ASSERT_EQ(held, model_.HoldSlot(slot));
    if (held) held_.push_back(slot);
  }

  void Release() {
    if (held_.empty()) return;
    const uint32_t slot = Take(held_);
    const bool may_be_mapped = Chance(0.5);
    if (may_be_mapped && Chance(0.5)) ring_.mapped.insert(slot);
    ring_.Release(slot, may_be_mapped);
    model_.Release(slot, may_be_mapped);
  }

  // What fsnotify tells: of frames that are held, of some that are not any more; now and then that
  // it does not know.
  void SendOff() {
    if (Chance(0.02)) {
      ring_.AllInFlight();
      return model_.AllInFlight();
    }
    if (Chance(0.7)) {
      const uint64_t sequence = PickSequence();
      ring_.InFlight(sequence);
      return model_.InFlight(sequence);
    }
    const uint32_t slot = Pick(GetParam().slots);
    ring_.SlotInFlight(slot);
    model_.SlotInFlight(slot);
  }

  void AnswerRenewal() {
    if (const auto aside = ring_.look().Aside(); !aside.empty() && Chance(0.5)) {
      ring_.RenewAgain(aside.front());
      model_.RenewAgain(aside.front());
    }
    if (ring_.renewals.empty()) return;
    const uint32_t slot = ring_.renewals.front();
    if (Chance(0.9)) {
      ring_.Renew();
      model_.Renewed(slot);
      ++renewed_;
    } else {
      ring_.PutAside();
      model_.PutAside(slot);
    }
  }

  void Unmap() {
    if (!ring_.mapped.empty() && Chance(0.3)) ring_.mapped.erase(ring_.mapped.begin());
  }

  void Seldom() {
    switch (Pick(4)) {
      case 0:
        return Recheck();
      case 1:
        return Unlink();
      case 2:
        return MarkUnmapped();
      default:
        if (Chance(0.1)) ChangePolicy();
    }
  }

  void Recheck() {
    std::vector<uint32_t> slots;
    for (const Ring::Mapped& mapped : ring_.Recheck()) slots.push_back(mapped.slot);
    ASSERT_EQ(slots, model_.Recheck());
  }

  // Answers "only a follower" for whatever is still mapped. The model needs no word for that: it is
  // the same as if the mapping had gone and everything had been looked at again.
  void MarkUnmapped() {
    const auto mapped = ring_.Recheck();
    model_.Recheck();
    for (const Ring::Mapped& each : mapped) {
      ring_.mapped.erase(each.slot);
      ring_.MarkUnmapped(each);
      model_.Recheck();
    }
  }

  void Unlink() {
    const uint64_t sequence = PickSequence();
    ASSERT_EQ(ring_.Unlink(sequence), model_.Unlink(sequence)) << sequence;
  }

  void ChangePolicy() {
    const Policy policy = Chance(0.5) ? Policy::kKeepNewest : Policy::kKeepOldest;
    ring_.SetPolicy(policy);
    model_.SetPolicy(policy);
  }

  static void ExpectSame(const std::optional<Ring::Frame>& actual,
                         const std::optional<Ring::Frame>& expected) {
    ASSERT_EQ(actual.has_value(), expected.has_value());
    if (!actual) return;
    ASSERT_EQ(actual->slot, expected->slot);
    ASSERT_EQ(actual->info.sequence, expected->info.sequence);
    ASSERT_EQ(actual->info.timestamp_ns, expected->info.timestamp_ns);
    ASSERT_EQ(actual->info.dropped, expected->info.dropped);
  }

  void Compare() {
    const RingCounters counters = ring_.counters();
    const RingCounters expected = model_.Counters();
    ASSERT_EQ(counters.captured, expected.captured);
    ASSERT_EQ(counters.delivered, expected.delivered);
    ASSERT_EQ(counters.recycled, expected.recycled);
    ASSERT_EQ(counters.dropped, expected.dropped);
    ASSERT_EQ(counters.failed, expected.failed);
    ASSERT_EQ(counters.present, expected.present);
    ASSERT_EQ(ring_.occupancy().free, model_.Occupancy().free);
    ASSERT_EQ(ring_.occupancy().held, model_.Occupancy().held);
    ASSERT_EQ(ring_.occupancy().renewing, model_.Occupancy().renewing);
    ASSERT_EQ(ring_.occupancy().aside, model_.Occupancy().aside);
    ASSERT_EQ(ring_.wakeups, model_.wakeups());
    const uint64_t sequence = PickSequence();
    ExpectSame(ring_.look().Find(sequence), model_.Find(sequence));
    ExpectSame(ring_.look().NextFrom(sequence), model_.NextFrom(sequence));
    ExpectSame(ring_.look().Newest(), model_.Newest());
  }

  CheckedRing ring_;
  RingModel model_;
  std::mt19937_64 random_;
  uint64_t next_sequence_ = 0;
  int renewed_ = 0;
  std::vector<uint32_t> filling_;  // slots in the device's hands
  std::vector<uint32_t> held_;     // one entry for each hold
};

TEST_P(RingModelTest, BehavesAsTheModel) {
  const uint64_t seed = Seed();
  SCOPED_TRACE("GRABFS_RING_SEED=" + std::to_string(seed));
  random_.seed(seed);
  for (int step = 0; step < kSteps; ++step) {
    ASSERT_NO_FATAL_FAILURE(Step()) << "step " << step;
    ASSERT_NO_FATAL_FAILURE(Compare()) << "step " << step;
  }
  EXPECT_GT(ring_.counters().captured, static_cast<uint64_t>(kSteps) / 100) << "an idle walk";
  EXPECT_GT(renewed_, kSteps / 1000) << "an idle walk";
}

std::string WalkName(const ::testing::TestParamInfo<Walk>& info) {
  return std::to_string(info.param.slots) + "Slots" +
         (info.param.policy == Policy::kKeepNewest ? "KeepNewest" : "KeepOldest");
}

INSTANTIATE_TEST_SUITE_P(Walks, RingModelTest,
                         ::testing::Values(Walk{1, Policy::kKeepNewest},
                                           Walk{3, Policy::kKeepNewest},
                                           Walk{3, Policy::kKeepOldest},
                                           Walk{16, Policy::kKeepNewest},
                                           Walk{16, Policy::kKeepOldest}),
                         WalkName);

}  // namespace
}  // namespace grabfs
