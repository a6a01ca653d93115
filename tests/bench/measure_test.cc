// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/measure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grabfs::bench {
namespace {

using ::testing::ElementsAre;

TEST(Measure, QuantilesOfSamples) {
  const std::vector<double> samples = {5, 1, 4, 2, 3};
  EXPECT_EQ(Median(samples), 3);
  EXPECT_EQ(Quantile(samples, 0), 1);
  EXPECT_EQ(Quantile(samples, 0.99), 5);
  EXPECT_EQ(Median({7}), 7);
}

TEST(Measure, SidesTakeTurnsAfterAWarmUp) {
  std::string order;
  Compare(
      3,
      [&] {
        order += 'a';
        return 1.0;
      },
      [&] {
        order += 'b';
        return 1.0;
      });
  EXPECT_EQ(order,
            "ab"
            "ab"
            "ba"
            "ab");
}

TEST(Measure, TheWarmUpIsNotMeasured) {
  double next = 1000;
  const auto ours = [&] { return std::exchange(next, 4); };
  const Comparison comparison = Compare(3, ours, [] { return 2.0; });
  EXPECT_EQ(comparison.ratio, 2);
  EXPECT_EQ(comparison.difference, 2);
  EXPECT_EQ(comparison.ours, 4);
  EXPECT_EQ(comparison.theirs, 2);
}

TEST(Measure, SecondsAreWrittenWithTheirUnit) {
  const std::vector<double> seconds = {2.5, 0.0125, 31e-6, 4e-9, 0};
  std::vector<std::string> texts;
  for (const double value : seconds) texts.push_back(FormatSeconds(value));
  EXPECT_THAT(texts, ElementsAre("2.5 s", "12.5 ms", "31 us", "4 ns", "0 ns"));
}

}  // namespace
}  // namespace grabfs::bench
