// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/aravis/numbers.h"

#include <gtest/gtest.h>

namespace grabfs {
namespace {

TEST(AravisNumbersTest, AGapOfIdsIsAGapOfNumbers) {
  AravisNumbers numbers(/*narrow=*/true);
  numbers.Begin();
  EXPECT_EQ(numbers.Next(7), 0u);
  EXPECT_EQ(numbers.Next(8), 1u);
  EXPECT_EQ(numbers.Next(12), 5u);
}

TEST(AravisNumbersTest, IdsOfSixteenBitsSkipZeroWhenTheyWrap) {
  AravisNumbers numbers(/*narrow=*/true);
  numbers.Begin();
  EXPECT_EQ(numbers.Next(65534), 0u);
  EXPECT_EQ(numbers.Next(65535), 1u);
  EXPECT_EQ(numbers.Next(1), 2u);
  EXPECT_EQ(numbers.Next(65535), 65536u);
  EXPECT_EQ(numbers.Next(3), 65539u) << "1 and 2 were lost";
}

TEST(AravisNumbersTest, SomeCamerasDoUseZero) {
  AravisNumbers numbers(/*narrow=*/true);
  numbers.Begin();
  EXPECT_EQ(numbers.Next(65535), 0u);
  EXPECT_EQ(numbers.Next(0), 1u);
  EXPECT_EQ(numbers.Next(65535), 65536u);
  EXPECT_EQ(numbers.Next(1), 65538u) << "0 was lost";
}

TEST(AravisNumbersTest, LongIdsDoNotWrap) {
  AravisNumbers numbers(/*narrow=*/true);
  numbers.Begin();
  EXPECT_EQ(numbers.Next(65535), 0u);
  EXPECT_EQ(numbers.Next(65536), 1u);
  EXPECT_EQ(numbers.Next(1), 2u) << "set back: nobody knows what was lost";
  AravisNumbers wide(/*narrow=*/false);
  wide.Begin();
  EXPECT_EQ(wide.Next(0), 0u);
  EXPECT_EQ(wide.Next(40000), 40000u);
  EXPECT_EQ(wide.Next(1), 40001u);
}

TEST(AravisNumbersTest, AStreamBeginsWithTheNextNumber) {
  AravisNumbers numbers(/*narrow=*/true);
  numbers.Begin();
  EXPECT_EQ(numbers.Next(1), 0u);
  EXPECT_EQ(numbers.Next(2), 1u);
  numbers.Begin();
  EXPECT_EQ(numbers.Next(900), 2u);
  EXPECT_EQ(numbers.Next(901), 3u);
}

TEST(AravisNumbersTest, AFrameWhoseIdDidNotComeIsTheNext) {
  AravisNumbers numbers(/*narrow=*/true);
  numbers.Begin();
  EXPECT_EQ(numbers.Next(std::nullopt), 0u);
  EXPECT_EQ(numbers.Next(5), 1u);
  EXPECT_EQ(numbers.Next(std::nullopt), 2u);
  EXPECT_EQ(numbers.Next(7), 3u);
  EXPECT_EQ(numbers.Next(std::nullopt), 4u);
  EXPECT_EQ(numbers.Next(10), 6u) << "9 was lost";
}

TEST(AravisNumbersTest, FramesThatWereLostWithoutAnIdCount) {
  AravisNumbers numbers(/*narrow=*/true);
  numbers.Begin();
  EXPECT_EQ(numbers.Next(1), 0u);
  EXPECT_EQ(numbers.Next(2, 3), 4u);
}

}  // namespace
}  // namespace grabfs
