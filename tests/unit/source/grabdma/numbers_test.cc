// SPDX-License-Identifier: Apache-2.0
//
// Numbers of frames and losses, from an adapter whose count belongs to others too.
#include "fusefs/source/grabdma/numbers.h"

#include <gtest/gtest.h>

#include <limits>

namespace grabfs {
namespace {

constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();

class GrabdmaNumbers : public testing::Test {
 protected:
  GrabdmaNumbers() { numbers_.Begin(); }

  void ExpectFrame(uint64_t sequence, uint64_t dropped, uint64_t number, uint64_t lost) {
    const auto step = numbers_.Frame(sequence, dropped);
    EXPECT_EQ(step.next, number);
    EXPECT_EQ(step.lost, lost);
    EXPECT_EQ(step.first_lost, number - lost);
  }
  void ExpectDrops(uint64_t first, uint64_t lost) {
    ASSERT_TRUE(numbers_.drops_pending());
    const auto step = numbers_.ReportDrops();
    EXPECT_EQ(step.first_lost, first);
    EXPECT_EQ(step.lost, lost);
    EXPECT_EQ(step.next, first + lost);
    EXPECT_FALSE(numbers_.drops_pending());
  }

  FrameNumbers numbers_;
};

TEST_F(GrabdmaNumbers, FramesKeepTheNumbersOfTheAdapter) {
  ExpectFrame(0, 0, 0, 0);
  ExpectFrame(1, 0, 1, 0);
  ExpectFrame(4, 2, 4, 2);
}

TEST_F(GrabdmaNumbers, WhatTheAdapterCountedBeforeIsNoLoss) {
  ExpectFrame(57, 0, 57, 0);
  ExpectFrame(58, 0, 58, 0);
  numbers_.Begin();
  ExpectFrame(1000, 0, 1000, 0);
}

TEST_F(GrabdmaNumbers, LossesAtTheBeginningAreLosses) {
  numbers_.Drop(56, 2);
  ExpectFrame(57, 2, 57, 2);
  numbers_.Begin();
  numbers_.Drop(72, 3);
  ExpectDrops(70, 3);
  ExpectFrame(73, 3, 73, 0);
}

TEST_F(GrabdmaNumbers, LossesAreToldOnce) {
  ExpectFrame(0, 0, 0, 0);
  numbers_.Drop(2, 2);
  ExpectDrops(1, 2);
  numbers_.Drop(3, 1);
  ExpectDrops(3, 1);
  ExpectFrame(5, 4, 5, 1);  // 4 was lost as well, and its record has not been read
  numbers_.Drop(4, 1);
  EXPECT_FALSE(numbers_.drops_pending());
}

TEST_F(GrabdmaNumbers, LossesDuringATransferFollowItsFrame) {
  ExpectFrame(0, 0, 0, 0);
  numbers_.Drop(3, 2);  // 1, then 3 and 4 while 2 was in flight
  numbers_.Drop(4, 1);
  ExpectFrame(2, 1, 2, 1);
  ExpectDrops(3, 2);
  ExpectFrame(5, 2, 5, 0);
}

TEST_F(GrabdmaNumbers, LossesOfTheLastCaptureAreNotToldInTheNext) {
  ExpectFrame(0, 0, 0, 0);
  numbers_.Drop(2, 2);
  numbers_.Begin();
  EXPECT_FALSE(numbers_.drops_pending());
  ExpectFrame(10, 3, 10, 1);
  numbers_.Drop(9, 1);
  EXPECT_FALSE(numbers_.drops_pending());
}

TEST_F(GrabdmaNumbers, ACounterThatWrapsIsContinued) {
  ExpectFrame(0, 0, 0, 0);
  ExpectFrame(kLast, 0, 1, 0);
  ExpectFrame(0, 0, 2, 0);
  ExpectFrame(3, 2, 5, 2);
}

TEST_F(GrabdmaNumbers, ACounterThatJumpsIsNoLoss) {
  ExpectFrame(0, 0, 0, 0);
  ExpectFrame(1'000'000, 0, 1, 0);
  numbers_.Drop(1'000'001, 1);
  ExpectFrame(1'000'002, 1, 3, 1);
  numbers_.Drop(12, 1);
  ExpectDrops(4, 1);
  ExpectFrame(13, 1, 5, 0);
}

TEST_F(GrabdmaNumbers, NumbersNeverComeTwice) {
  ExpectFrame(500, 0, 500, 0);
  numbers_.Begin();
  ExpectFrame(3, 0, 501, 0);
  ExpectFrame(4, 0, 502, 0);
}

TEST_F(GrabdmaNumbers, AbsurdNumbersAreNotBelieved) {
  ExpectFrame(kLast - 5, 0, 0, 0);
  numbers_.Begin();
  ExpectFrame(FrameNumbers::kLargest + 1, 0, 1, 0);
}

}  // namespace
}  // namespace grabfs
