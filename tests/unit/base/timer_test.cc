// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/timer.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "fusefs/base/clock.h"

namespace grabfs {
namespace {

bool Readable(const Timer& timer, int timeout_ms) {
  pollfd fd = {timer.fd(), POLLIN, 0};
  return ::poll(&fd, 1, timeout_ms) == 1;
}

TEST(Timer, IsReadableFromItsMomentOn) {
  Timer timer;
  EXPECT_FALSE(Readable(timer, 0));
  const uint64_t due = MonotonicNs() + 5'000'000;
  timer.At(due);
  EXPECT_TRUE(Readable(timer, 10'000));
  EXPECT_GE(MonotonicNs(), due);
  EXPECT_TRUE(Readable(timer, 0));
  timer.At(due);  // changes nothing
  EXPECT_TRUE(Readable(timer, 0));
}

TEST(Timer, AnotherMomentTakesTheFirstOnesPlace) {
  Timer timer;
  timer.At(1);
  EXPECT_TRUE(Readable(timer, 10'000));
  timer.At(MonotonicNs() + 3600 * kNsPerSecond);
  EXPECT_FALSE(Readable(timer, 0));
  timer.At(1);
  EXPECT_TRUE(Readable(timer, 10'000));
  timer.At(0);
  EXPECT_FALSE(Readable(timer, 0));
}

}  // namespace
}  // namespace grabfs
