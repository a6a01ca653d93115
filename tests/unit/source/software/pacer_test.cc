// SPDX-License-Identifier: Apache-2.0
//
// Schedules, in times that the tests choose, and the timer, in real time. No test asserts that a
// moment came soon.
#include "fusefs/source/software/pacer.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "fusefs/base/clock.h"

namespace grabfs {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kBegin = 1000 * kNsPerSecond;

bool Readable(const Pacer& pacer, int milliseconds = 0) {
  pollfd fd = {.fd = pacer.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&fd, 1, milliseconds) == 1;
}

// A schedule of this rate that began at kBegin and has made so many frames.
Pacer Begun(Rate rate, uint64_t frames) {
  Pacer pacer(rate);
  pacer.Start(kBegin);
  pacer.Advance(frames);
  return pacer;
}

TEST(Pacer, TheFirstFrameIsDueAtOnceAndTheNextAfterOneInterval) {
  Pacer pacer(Rate{50, 1});
  pacer.Start(kBegin);
  EXPECT_TRUE(pacer.Due(kBegin));
  pacer.Advance(1);
  EXPECT_FALSE(pacer.Due(kBegin + 20 * kMs - 1));
  EXPECT_TRUE(pacer.Due(kBegin + 20 * kMs));
}

TEST(Pacer, LatenessDoesNotAddUp) {
  Pacer pacer = Begun(Rate{50, 1}, 1);
  // However late the second frame was made, the third is due when it always was.
  ASSERT_TRUE(pacer.Due(kBegin + 39 * kMs));
  pacer.Advance(1);
  EXPECT_FALSE(pacer.Due(kBegin + 39 * kMs));
  EXPECT_TRUE(pacer.Due(kBegin + 40 * kMs));
}

TEST(Pacer, FramesAreLostOnlyAfterThePatience) {
  const Pacer pacer = Begun(Rate{1000, 1}, 0);
  EXPECT_EQ(pacer.Lost(kBegin), 0u);
  EXPECT_EQ(pacer.Lost(kBegin + Pacer::kPatienceNs), 0u);
  EXPECT_EQ(pacer.Lost(kBegin + Pacer::kPatienceNs + 1), 1u);
  EXPECT_EQ(pacer.Lost(kBegin + Pacer::kPatienceNs + kMs), 1u);
  EXPECT_EQ(pacer.Lost(kBegin + Pacer::kPatienceNs + kMs + 1), 2u);
}

TEST(Pacer, FramesThatAreNotLostCanBeCaughtUpWith) {
  Pacer pacer = Begun(Rate{1000, 1}, 0);
  const uint64_t now = kBegin + 150 * kMs;
  const uint64_t lost = pacer.Lost(now);
  EXPECT_EQ(lost, 50u);
  pacer.Advance(lost);
  EXPECT_EQ(pacer.Lost(now), 0u);
  EXPECT_TRUE(pacer.Due(now));
}

TEST(Pacer, ADayOfStandstillIsCountedAtOnce) {
  const Pacer pacer = Begun(Rate{10000, 1}, 0);
  EXPECT_EQ(pacer.Lost(kBegin + Pacer::kPatienceNs + 86400 * kNsPerSecond), 864000000u);
}

TEST(Pacer, UnpacedFramesAreAlwaysDueAndNeverLost) {
  Pacer pacer = Begun(Rate{0, 1}, 7);
  EXPECT_TRUE(pacer.Due(kBegin));
  EXPECT_EQ(pacer.Lost(kBegin + 86400 * kNsPerSecond), 0u);
  pacer.Arm();
  EXPECT_FALSE(Readable(pacer));
}

TEST(Pacer, ANewRateCountsFromTheLastFrame) {
  Pacer pacer = Begun(Rate{1, 1}, 3);  // the last one was due after two seconds
  pacer.SetRate(Rate{50, 1}, kBegin + 2 * kNsPerSecond + kMs);
  EXPECT_FALSE(pacer.Due(kBegin + 2 * kNsPerSecond + 20 * kMs - 1));
  EXPECT_TRUE(pacer.Due(kBegin + 2 * kNsPerSecond + 20 * kMs));
}

TEST(Pacer, ANewRateAfterALongIntervalLosesNothing) {
  Pacer pacer = Begun(Rate{1, 1000}, 1);
  const uint64_t now = kBegin + 500 * kNsPerSecond;
  pacer.SetRate(Rate{10000, 1}, now);
  EXPECT_TRUE(pacer.Due(now));
  EXPECT_EQ(pacer.Lost(now), 0u);
  pacer.Advance(1);
  EXPECT_FALSE(pacer.Due(now));
}

TEST(Pacer, ANewRateBeforeTheFirstFrameLeavesItDueAtOnce) {
  Pacer pacer = Begun(Rate{30, 1}, 0);
  pacer.SetRate(Rate{1, 1000}, kBegin);
  EXPECT_TRUE(pacer.Due(kBegin));
}

TEST(Pacer, UnpacedAndPacedRatesFollowEachOther) {
  Pacer pacer = Begun(Rate{1, 1}, 1);
  pacer.SetRate(Rate{0, 1}, kBegin + kMs);
  EXPECT_TRUE(pacer.Due(kBegin + kMs));
  pacer.Advance(5);
  pacer.SetRate(Rate{1, 1}, kBegin + 2 * kMs);
  EXPECT_FALSE(pacer.Due(kBegin + 2 * kMs));
  EXPECT_TRUE(pacer.Due(kBegin + 2 * kMs + kNsPerSecond));
}

TEST(Pacer, ResumingForgivesTheTimeBetween) {
  Pacer pacer = Begun(Rate{1000, 1}, 2);
  const uint64_t now = kBegin + kNsPerSecond;
  ASSERT_GT(pacer.Lost(now), 0u);
  pacer.Resume(now);
  EXPECT_EQ(pacer.Lost(now), 0u);
  EXPECT_TRUE(pacer.Due(now));
  pacer.Advance(1);
  EXPECT_FALSE(pacer.Due(now));
}

TEST(Pacer, ResumingKeepsAScheduleThatIsAhead) {
  Pacer pacer = Begun(Rate{1, 1}, 2);
  pacer.Resume(kBegin + kNsPerSecond);
  EXPECT_FALSE(pacer.Due(kBegin + kNsPerSecond));
  EXPECT_TRUE(pacer.Due(kBegin + 2 * kNsPerSecond));
}

TEST(PacerTimer, IsReadableWhenTheFrameIsDueAndNotBefore) {
  Pacer pacer(Rate{50, 1});
  const uint64_t begin = MonotonicNs();
  pacer.Start(begin);
  pacer.Advance(1);
  pacer.Arm();
  EXPECT_TRUE(Readable(pacer, 30000));
  EXPECT_TRUE(pacer.Due(MonotonicNs()));
}

TEST(PacerTimer, IsReadableForAFrameThatIsLate) {
  Pacer pacer(Rate{1, 1000});
  pacer.Start(MonotonicNs() - kNsPerSecond);
  pacer.Arm();
  EXPECT_TRUE(Readable(pacer, 30000));
}

TEST(PacerTimer, ArmingForALaterFrameEndsIt) {
  Pacer pacer(Rate{1, 1000});
  pacer.Start(MonotonicNs());
  pacer.Arm();
  ASSERT_TRUE(Readable(pacer, 30000));
  pacer.Advance(1);
  pacer.Arm();
  EXPECT_FALSE(Readable(pacer));
}

TEST(PacerTimer, DisarmingEndsIt) {
  Pacer pacer(Rate{1, 1000});
  pacer.Start(MonotonicNs());
  pacer.Arm();
  ASSERT_TRUE(Readable(pacer, 30000));
  pacer.Disarm();
  EXPECT_FALSE(Readable(pacer));
}

}  // namespace
}  // namespace grabfs
