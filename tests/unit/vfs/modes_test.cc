// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/modes.h"

#include <gtest/gtest.h>

namespace grabfs {
namespace {

using enum Content;

TEST(Modes, UmaskDecidesWhereNothingElseIsGiven) {
  const Modes modes = {.umask = 027, .frame = {}, .control = {}};
  for (const Content content : {kPictures, kSettings, kOther}) {
    EXPECT_EQ(modes.OfFile(content, 0644), 0640U);
    EXPECT_EQ(modes.OfFile(content, 0444), 0440U);
    EXPECT_EQ(modes.OfDirectory(content), 0750U);
  }
}

TEST(Modes, AGivenModeCountsInsteadOfUmask) {
  const Modes modes = {.umask = 077, .frame = 0440, .control = 0660};
  EXPECT_EQ(modes.OfFile(kPictures, 0444), 0440U);
  EXPECT_EQ(modes.OfFile(kPictures, 0644), 0440U);
  EXPECT_EQ(modes.OfFile(kSettings, 0644), 0660U);
}

TEST(Modes, WhatCannotBeWrittenIsNotMadeWritable) {
  const Modes modes = {.umask = 0, .frame = 0666, .control = 0662};
  EXPECT_EQ(modes.OfFile(kPictures, 0444), 0444U);
  EXPECT_EQ(modes.OfFile(kPictures, 0644), 0666U);
  EXPECT_EQ(modes.OfFile(kSettings, 0444), 0440U);
}

TEST(Modes, ADirectoryIsEnteredByWhoeverHasARightInIt) {
  const Modes modes = {.umask = 077, .frame = 0640, .control = 0602};
  EXPECT_EQ(modes.OfDirectory(kPictures), 0750U);
  EXPECT_EQ(modes.OfDirectory(kSettings), 0703U);
}

TEST(Modes, WhatIsOnTheWayIsReadByWhoeverWasGivenSomething) {
  EXPECT_EQ((Modes{.umask = 077, .frame = 0440, .control = 0600}.OfDirectory(kOther)), 0750U);
  EXPECT_EQ((Modes{.umask = 077, .frame = 0440, .control = 0600}.OfFile(kOther, 0444)), 0440U);
  EXPECT_EQ((Modes{.umask = 077, .frame = {}, .control = 0606}.OfFile(kOther, 0444)), 0404U);
  EXPECT_EQ((Modes{.umask = 0, .frame = 0440, .control = 0600}.OfFile(kOther, 0444)), 0444U);
}

}  // namespace
}  // namespace grabfs
