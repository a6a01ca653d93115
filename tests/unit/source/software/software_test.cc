// SPDX-License-Identifier: Apache-2.0
//
// Software sources: due, painted, lost; numbers and times. The source of these tests writes its
// sequence number and can be made slow or broken.
#include "fusefs/source/software/software.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>
#include <thread>

#include "fusefs/base/clock.h"
#include "fusefs/source/options.h"
#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

using Kind = Completion::Kind;

class Numbers final : public SoftwareSource {
 public:
  explicit Numbers(Rate rate) : SoftwareSource(rate) { format_ = MakeFrameFormat(kGrey, 16, 16); }

  [[nodiscard]] std::string description() const override { return "numbers"; }

  std::chrono::milliseconds pace{0};  // that painting takes
  std::set<uint64_t> broken;          // numbers that cannot be painted

 protected:
  FrameFormat OnSetFormat(const FormatRequest& request) override {
    return ApplyRequest(format(), request);
  }

  void Paint(uint64_t sequence, std::span<std::byte> frame) override {
    if (pace.count() > 0) std::this_thread::sleep_for(pace);
    if (broken.contains(sequence)) throw Error(EIO, "no picture " + std::to_string(sequence));
    std::memcpy(frame.data(), &sequence, sizeof sequence);
  }
};

// All were painted, but for those that this machine, loaded by others, was too slow for: none can
// be lost before the patience has passed.
void ExpectNoneLostTooSoon(const std::vector<Completion>& completions, uint64_t begin) {
  for (const Completion& completion : completions) {
    EXPECT_TRUE(completion.kind == Kind::kFrame ||
                completion.timestamp_ns > begin + Pacer::kPatienceNs)
        << completion.sequence;
  }
}

class NumbersRig : public Rig {
 public:
  explicit NumbersRig(const char* rate, uint32_t buffers = 3)
      : Rig(std::make_unique<Numbers>(Rate::Parse(rate)), buffers) {}

  Numbers& numbers() { return static_cast<Numbers&>(**this); }

  [[nodiscard]] uint64_t NumberIn(uint32_t index) const {
    uint64_t number = 0;
    std::memcpy(&number, buffer(index).bytes().data(), sizeof number);
    return number;
  }
};

TEST(SoftwareSource, DeliversFramesInOrderEachInItsBuffer) {
  NumbersRig rig("0");
  rig->Start(0);
  for (uint64_t i = 0; i < 100; ++i) {
    const Completion frame = rig.Next();
    EXPECT_EQ(frame.kind, Kind::kFrame);
    EXPECT_EQ(frame.sequence, i);
    EXPECT_EQ(frame.buffer, i % 3);
    EXPECT_EQ(frame.bytes_used, 256u);
    EXPECT_EQ(rig.NumberIn(frame.buffer), i);
  }
}

TEST(SoftwareSource, TimeStampsAreMonotonicAndTakenAtCompletion) {
  NumbersRig rig("0");
  rig.numbers().pace = std::chrono::milliseconds(5);
  rig->Start(0);
  const uint64_t before = MonotonicNs();
  const Completion first = rig.Next();
  const Completion second = rig.Next();
  EXPECT_GE(first.timestamp_ns, before + 5'000'000);
  EXPECT_GE(second.timestamp_ns, first.timestamp_ns + 5'000'000);
  EXPECT_LE(second.timestamp_ns, MonotonicNs());
}

TEST(SoftwareSource, FramesComeNoEarlierThanTheirRate) {
  NumbersRig rig("100");
  const uint64_t begin = MonotonicNs();
  rig->Start(0);
  for (uint64_t i = 0; i < 20; ++i) {
    const Completion completion = rig.Next();
    EXPECT_EQ(completion.sequence, i);
    EXPECT_GE(completion.timestamp_ns - begin, i * 10'000'000) << i;
  }
}

TEST(SoftwareSource, SequenceNumbersContinueOverStopAndStart) {
  NumbersRig rig("0");
  rig->Start(0);
  rig.Take(5);
  rig->Stop();
  rig->Start(0);
  EXPECT_EQ(rig.Next().sequence, 5u);
}

TEST(SoftwareSource, ALimitedCaptureEndsAfterItsFrames) {
  for (const char* rate : {"0", "1000"}) {
    NumbersRig rig(rate);
    rig->Start(4);
    rig.Take(4);
    EXPECT_EQ(rig->Wanted(), 0u);
    EXPECT_EQ(rig->Dequeue(), std::nullopt);
    // Nobody is woken for nothing, and nobody asked to spin.
    ASSERT_GE(rig->event_fd(), 0);
    EXPECT_FALSE(rig.Wait(20));
  }
}

TEST(SoftwareSource, ExtendingContinuesACaptureThatHasEnded) {
  for (const char* rate : {"0", "1000"}) {
    NumbersRig rig(rate);
    rig->Start(2);
    rig.Take(2);
    ASSERT_EQ(rig->Wanted(), 0u);
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    // The time between is no delay: nothing was due.
    const uint64_t begin = MonotonicNs();
    rig->Extend(2);
    const std::vector<Completion> more = rig.Take(2);
    EXPECT_EQ(more[0].sequence, 2u);
    ExpectNoneLostTooSoon(more, begin);
    EXPECT_EQ(rig->Wanted(), 0u);
  }
}

TEST(SoftwareSource, ExtendingARunningCaptureAddsToIt) {
  NumbersRig rig("0");
  rig->Start(2);
  rig->Extend(1);
  rig.Take(3);
  EXPECT_EQ(rig->Wanted(), 0u);
}

TEST(SoftwareSource, ExtendingByTooManyIsNoOverflow) {
  NumbersRig rig("0");
  rig->Start(2);
  rig->Extend(~uint64_t{0});
  rig->Extend(~uint64_t{0});
  EXPECT_EQ(rig.Take(5).back().sequence, 4u);
}

TEST(SoftwareSource, StarvingDropsTheDueFrameAndItsNumber) {
  NumbersRig rig("0");
  rig->Start(0);
  EXPECT_EQ(rig.Next().sequence, 0u);
  const Completion drop = rig.Next(/*starve=*/true);
  EXPECT_EQ(drop.kind, Kind::kDropped);
  EXPECT_EQ(drop.sequence, 1u);
  EXPECT_EQ(drop.reason, "no free buffer");
  const Completion next = rig.Next();
  EXPECT_EQ(next.kind, Kind::kFrame);
  EXPECT_EQ(next.sequence, 2u);
  EXPECT_EQ(rig.NumberIn(next.buffer), 2u);
}

TEST(SoftwareSource, StarvingBeforeAFrameIsDueDropsNothing) {
  NumbersRig rig("1/1000");
  rig->Start(0);
  rig.Next();
  rig->Starve();
  EXPECT_EQ(rig->Dequeue(), std::nullopt);
}

TEST(SoftwareSource, DropsCountTowardsALimitedCapture) {
  NumbersRig rig("0");
  rig->Start(2);
  rig.Next(/*starve=*/true);
  rig.Next();
  EXPECT_EQ(rig->Wanted(), 0u);
}

TEST(SoftwareSource, PaintingThatIsTooSlowLosesFramesInsteadOfTime) {
  NumbersRig rig("1000");
  rig.numbers().pace = std::chrono::milliseconds(20);
  rig->Start(0);
  const uint64_t begin = MonotonicNs();
  uint64_t frames = 0;
  uint64_t late = 0;
  Completion last;
  while (MonotonicNs() - begin < 500'000'000) {
    last = rig.Next();
    EXPECT_EQ(last.sequence, frames + late);
    (last.kind == Kind::kFrame ? frames : late) += 1;
    if (last.kind == Kind::kDropped) {
      EXPECT_EQ(last.reason, "making frames is slower than the rate");
    }
  }
  EXPECT_GT(frames, 0u);
  EXPECT_GT(late, frames);
}

TEST(SoftwareSource, AShortDelayIsCaughtUpWith) {
  NumbersRig rig("200");
  const uint64_t begin = MonotonicNs();
  rig->Start(0);
  rig.Next();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  ExpectNoneLostTooSoon(rig.Take(6), begin);
}

TEST(SoftwareSource, APictureThatCannotBeMadeIsAnErrorWithItsBufferAndReason) {
  NumbersRig rig("0");
  rig.numbers().broken = {1};
  rig->Start(0);
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
  const Completion error = rig.Next();
  EXPECT_EQ(error.kind, Kind::kError);
  EXPECT_EQ(error.buffer, 1u);
  EXPECT_EQ(error.sequence, 1u);
  EXPECT_EQ(error.bytes_used, 0u);
  EXPECT_EQ(error.reason, "no picture 1");
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
}

TEST(SoftwareSource, StoppingGivesAQueuedBufferBackWithoutANumber) {
  NumbersRig rig("0");
  rig->Start(0);
  ASSERT_EQ(rig->Wanted(), 1u);
  rig->Queue(2);
  rig->Stop();
  EXPECT_EQ(rig->Dequeue(), std::nullopt);
  rig->Start(0);
  EXPECT_EQ(rig.Next().sequence, 0u);
}

TEST(SoftwareSource, TakesOneBufferAtATime) {
  NumbersRig rig("0");
  rig->Start(0);
  ASSERT_EQ(rig->Wanted(), 1u);
  rig->Queue(0);
  EXPECT_EQ(rig->Wanted(), 0u);
  EXPECT_NE(ErrorOf(EINVAL, [&] { rig->Queue(1); }), "");
}

TEST(SoftwareSource, RefusesABufferThatIsNotBound) {
  NumbersRig rig("0");
  rig->Start(0);
  EXPECT_EQ(ErrorOf(EINVAL, [&] { rig->Queue(3); }), "queue: buffer 3 is not wanted");
}

TEST(SoftwareSource, RefusesToStartWithBuffersOfAnotherFormat) {
  NumbersRig rig("0");
  rig->SetFormat({.fourcc = kY16});
  EXPECT_EQ(ErrorOf(EINVAL, [&] { rig->Start(0); }),
            "start: the buffers are not those of this format");
  EXPECT_FALSE(rig->capturing());
  rig.Rebind();
  rig->Start(0);
  EXPECT_EQ(rig.Next().bytes_used, 512u);
}

TEST(SoftwareSource, UnpacedCapturesAskToBeAskedAtOnce) {
  NumbersRig rig("0");
  EXPECT_GE(rig->event_fd(), 0);
  rig->Start(0);
  EXPECT_EQ(rig->event_fd(), -1);
  rig->SetRate(Rate::Parse("1/1000"));
  EXPECT_GE(rig->event_fd(), 0);
  rig->SetRate(Rate::Parse("0"));
  EXPECT_EQ(rig->event_fd(), -1);
  rig->Stop();
  EXPECT_GE(rig->event_fd(), 0);
}

TEST(SoftwareSource, ANewRateWakesWhoWaitsForTheOldOne) {
  NumbersRig rig("1/1000");
  rig->Start(0);
  rig.Next();
  ASSERT_EQ(rig->Wanted(), 0u);
  ASSERT_FALSE(rig.Wait(0));
  rig->SetRate(Rate::Parse("1000"));
  EXPECT_EQ(rig->rate(), Rate::Parse("1000"));
  EXPECT_EQ(rig.Next().sequence, 1u);
}

TEST(SoftwareSource, StaysReadableWhileThereIsSomethingToReport) {
  NumbersRig rig("1/1000");
  rig->Start(0);
  ASSERT_TRUE(rig.Wait());
  ASSERT_EQ(rig->Wanted(), 1u);
  rig->Starve();
  EXPECT_EQ(rig->Wanted(), 0u);
  EXPECT_TRUE(rig.Wait(0));
  ASSERT_TRUE(rig->Dequeue());
  EXPECT_EQ(rig->Wanted(), 0u);
  EXPECT_FALSE(rig.Wait(0));
}

}  // namespace
}  // namespace grabfs
