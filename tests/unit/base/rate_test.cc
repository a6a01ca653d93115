// SPDX-License-Identifier: Apache-2.0
//
// Rates: what text means, and schedules that do not drift.
#include "fusefs/base/rate.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <limits>

#include "fusefs/base/clock.h"
#include "fusefs/base/error.h"

namespace grabfs {
namespace {

TEST(Rate, ReadsIntegersDecimalsAndFractions) {
  EXPECT_EQ(Rate::Parse("0"), (Rate{0, 1}));
  EXPECT_EQ(Rate::Parse("30"), (Rate{30, 1}));
  EXPECT_EQ(Rate::Parse("10000"), (Rate{10000, 1}));
  EXPECT_EQ(Rate::Parse("29.97"), (Rate{2997, 100}));
  EXPECT_EQ(Rate::Parse("30000/1001"), (Rate{30000, 1001}));
  EXPECT_EQ(Rate::Parse("0.000000001"), (Rate{1, 1000000000}));
}

TEST(Rate, EqualRatesAreEqual) {
  EXPECT_EQ(Rate::Parse("60/2"), Rate::Parse("30"));
  EXPECT_EQ(Rate::Parse("12.50"), Rate::Parse("25/2"));
  EXPECT_EQ(Rate::Parse("0/7"), Rate::Parse("0.0"));
}

TEST(Rate, PrintsTheShortestExactText) {
  EXPECT_EQ(Rate::Parse("0.0").ToString(), "0");
  EXPECT_EQ(Rate::Parse("030").ToString(), "30");
  EXPECT_EQ(Rate::Parse("29.970").ToString(), "29.97");
  EXPECT_EQ(Rate::Parse("1/8").ToString(), "0.125");
  EXPECT_EQ(Rate::Parse("60000/2002").ToString(), "30000/1001");
}

TEST(Rate, AcceptsWhatItPrints) {
  for (const char* text : {"0", "1", "0.5", "0.04", "29.97", "30000/1001", "9999.9999", "1/3"}) {
    const Rate rate = Rate::Parse(text);
    EXPECT_EQ(Rate::Parse(rate.ToString()), rate) << text;
    EXPECT_EQ(rate.ToString(), text);
  }
}

TEST(Rate, RefusesWhatIsNoRate) {
  for (const char* text : {"",
                           " ",
                           "-1",
                           "-0.5",
                           "+1",
                           "abc",
                           "30fps",
                           "1e3",
                           "nan",
                           ".5",
                           "5.",
                           "1.2.3",
                           "1/",
                           "/1",
                           "1/0",
                           "1/-2",
                           "1.5/2",
                           "10001",
                           "10000.1",
                           "20001/2",
                           "99999999999",
                           "0x10",
                           "1 ",
                           "0.0000000001",
                           "9999.999999999",
                           "99999999999999999999/1",
                           "30,0"}) {
    EXPECT_THROW(
        try { Rate::Parse(text); } catch (const Error& error) {
          EXPECT_EQ(error.code(), EINVAL);
          throw;
        },
        Error)
        << "'" << text << "'";
  }
}

TEST(Rate, SaysWhyInOneLine) {
  try {
    Rate::Parse("-3");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "rate -3: must not be negative");
  }
}

TEST(Rate, OnlyZeroIsUnlimited) {
  EXPECT_TRUE(Rate::Parse("0").unlimited());
  EXPECT_FALSE(Rate::Parse("0.001").unlimited());
}

TEST(Rate, SchedulesDoNotDrift) {
  const Rate ntsc = Rate::Parse("30000/1001");
  EXPECT_EQ(ntsc.DueNs(0), 0u);
  EXPECT_EQ(ntsc.DueNs(1), 33366666u);
  // A year of frames ends exactly when it should.
  EXPECT_EQ(ntsc.DueNs(30000ull * 31536), 1001ull * 31536 * kNsPerSecond);
}

TEST(Rate, SchedulesHoldForVeryManyFrames) {
  const uint64_t n = std::numeric_limits<uint64_t>::max() / 200000;
  EXPECT_EQ(Rate::Parse("10000").DueNs(n), n * 100000);
}

TEST(Rate, CountsTheFramesThatWereDueBeforeAMoment) {
  for (const char* text : {"30", "30000/1001", "10000", "0.3", "9999.9999"}) {
    const Rate rate = Rate::Parse(text);
    for (uint64_t n : {1ull, 2ull, 999ull, 123456789ull}) {
      EXPECT_EQ(rate.DueBefore(rate.DueNs(n)), n) << text;
      EXPECT_EQ(rate.DueBefore(rate.DueNs(n) + 1), n + 1) << text;
    }
    EXPECT_EQ(rate.DueBefore(0), 0u);
    EXPECT_EQ(rate.DueBefore(1), 1u);
  }
}

}  // namespace
}  // namespace grabfs
