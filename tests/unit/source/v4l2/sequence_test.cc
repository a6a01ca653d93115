// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/v4l2/sequence.h"

#include <gtest/gtest.h>

namespace grabfs {
namespace {

class V4l2SequenceTest : public testing::Test {
 protected:
  V4l2Sequence sequence_;
};

TEST_F(V4l2SequenceTest, BeginsWithZeroWhateverTheDriverSays) {
  EXPECT_EQ(sequence_.Next(1000), 0u);
  EXPECT_EQ(sequence_.Next(1001), 1u);
}

TEST_F(V4l2SequenceTest, SkipsWhatTheDriverSkips) {
  sequence_.Next(0);
  EXPECT_EQ(sequence_.Next(5), 5u);
}

TEST_F(V4l2SequenceTest, GoesOnOverTheWrap) {
  sequence_.Next(UINT32_MAX - 1);
  EXPECT_EQ(sequence_.Next(1), 3u);
}

TEST_F(V4l2SequenceTest, ADriverThatDoesNotCountIsCountedFor) {
  sequence_.Next(0);
  EXPECT_EQ(sequence_.Next(0), 1u);
  EXPECT_EQ(sequence_.Next(0), 2u);
}

TEST_F(V4l2SequenceTest, BackwardsAndGiantStepsAreNotBelieved) {
  sequence_.Next(100);
  EXPECT_EQ(sequence_.Next(3), 1u);
  EXPECT_EQ(sequence_.Next(3 + V4l2Sequence::kLongestGap + 1), 2u);
  EXPECT_EQ(sequence_.Next(3 + V4l2Sequence::kLongestGap + 2), 3u);
}

TEST_F(V4l2SequenceTest, AStreamThatBeginsAnewGoesOn) {
  sequence_.Next(0);
  sequence_.Next(1);
  sequence_.Begin();
  EXPECT_EQ(sequence_.Next(0), 2u);
}

}  // namespace
}  // namespace grabfs
