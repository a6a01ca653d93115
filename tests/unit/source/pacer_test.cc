// SPDX-License-Identifier: Apache-2.0
//
// Schedules in real time. The tests wait for moments and never assert that one came soon.
#include "fusefs/source/pacer.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <thread>

#include "fusefs/base/clock.h"

namespace grabfs {
namespace {

bool Readable(const Pacer& pacer, int milliseconds = 0) {
  pollfd fd = {.fd = pacer.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&fd, 1, milliseconds) == 1;
}

void SleepMs(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

TEST(Pacer, TheFirstFrameIsDueAtOnce) {
  Pacer pacer(Rate{1, 1000});
  pacer.Start();
  EXPECT_TRUE(pacer.Due());
  pacer.Arm();
  EXPECT_TRUE(Readable(pacer, 10000));
}

TEST(Pacer, TheSecondFrameIsDueAfterOneInterval) {
  Pacer pacer(Rate{50, 1});
  const uint64_t begin = MonotonicNs();
  pacer.Start();
  pacer.Advance(1);
  pacer.Arm();
  EXPECT_TRUE(Readable(pacer, 10000));
  EXPECT_TRUE(pacer.Due());
  EXPECT_GE(MonotonicNs() - begin, 20'000'000u);
}

TEST(Pacer, ArmingForALaterFrameMakesAnExpiredTimerUnreadable) {
  Pacer pacer(Rate{1, 1000});
  pacer.Start();
  pacer.Arm();
  ASSERT_TRUE(Readable(pacer, 10000));
  pacer.Advance(1);
  pacer.Arm();
  EXPECT_FALSE(Readable(pacer));
  EXPECT_FALSE(pacer.Due());
}

TEST(Pacer, DisarmingMakesAnExpiredTimerUnreadable) {
  Pacer pacer(Rate{1, 1000});
  pacer.Start();
  pacer.Arm();
  ASSERT_TRUE(Readable(pacer, 10000));
  pacer.Disarm();
  EXPECT_FALSE(Readable(pacer));
}

TEST(Pacer, UnpacedFramesAreAlwaysDueAndNeverLost) {
  Pacer pacer(Rate{0, 1});
  pacer.Start();
  SleepMs(1);
  EXPECT_TRUE(pacer.Due());
  EXPECT_EQ(pacer.Lost(), 0u);
  pacer.Arm();
  EXPECT_FALSE(Readable(pacer));
}

TEST(Pacer, FramesAreLostOnlyAfterThePatience) {
  Pacer pacer(Rate{1000, 1});
  pacer.Start();
  EXPECT_EQ(pacer.Lost(), 0u);
  SleepMs(150);
  const uint64_t lost = pacer.Lost();
  EXPECT_GE(lost, 50u);
  // Those of the last 100 ms may still be caught up with.
  pacer.Advance(lost);
  EXPECT_TRUE(pacer.Due());
}

TEST(Pacer, ALongStallIsCountedAtOnce) {
  // 10,000 frames a second for a day, as if the process had been stopped for so long.
  const Rate rate{10000, 1};
  EXPECT_EQ(rate.DueBefore(uint64_t{86400} * kNsPerSecond), 864000000u);
}

TEST(Pacer, ANewRateCountsFromTheLastFrame) {
  Pacer pacer(Rate{1, 1000});
  pacer.Start();
  const uint64_t begin = MonotonicNs();
  pacer.Advance(1);
  pacer.SetRate(Rate{50, 1});
  EXPECT_FALSE(pacer.Due() && MonotonicNs() - begin < 10'000'000u);
  pacer.Arm();
  EXPECT_TRUE(Readable(pacer, 10000));
  EXPECT_TRUE(pacer.Due());
}

TEST(Pacer, ANewRateAfterALongIntervalLosesNothing) {
  Pacer pacer(Rate{1, 1000});
  pacer.Start();
  pacer.Advance(1);
  SleepMs(150);
  pacer.SetRate(Rate{10000, 1});
  EXPECT_TRUE(pacer.Due());
  // However slow this machine is: the frames of the past 150 ms would have been 1,500.
  EXPECT_LT(pacer.Lost(), 500u);
}

TEST(Pacer, ANewRateBeforeTheFirstFrameLeavesItDueAtOnce) {
  Pacer pacer(Rate{30, 1});
  pacer.Start();
  pacer.SetRate(Rate{1, 1000});
  EXPECT_TRUE(pacer.Due());
}

TEST(Pacer, UnpacedAndPacedRatesFollowEachOther) {
  Pacer pacer(Rate{1, 1000});
  pacer.Start();
  pacer.Advance(1);
  pacer.SetRate(Rate{0, 1});
  EXPECT_TRUE(pacer.Due());
  pacer.Advance(5);
  pacer.SetRate(Rate{1, 1000});
  EXPECT_FALSE(pacer.Due());
}

TEST(Pacer, ResumingForgivesTheTimeBetween) {
  Pacer pacer(Rate{1000, 1});
  pacer.Start();
  pacer.Advance(1);
  SleepMs(150);
  ASSERT_GT(pacer.Lost(), 0u);
  pacer.Resume();
  EXPECT_TRUE(pacer.Due());
  EXPECT_LT(pacer.Lost(), 40u);
}

TEST(Pacer, ResumingKeepsAScheduleThatIsAhead) {
  Pacer pacer(Rate{1, 1000});
  pacer.Start();
  pacer.Advance(1);
  pacer.Resume();
  EXPECT_FALSE(pacer.Due());
}

}  // namespace
}  // namespace grabfs
