// SPDX-License-Identifier: Apache-2.0
#include "cli/save/name_pattern.h"

#include <gtest/gtest.h>

#include "cli/base/exit_code.h"

namespace grabfs::cli {
namespace {

TEST(NamePattern, PutsTheSequenceNumberIn) {
  EXPECT_EQ(NamePattern("shot-%06d.png").Expand(42), "shot-000042.png");
  EXPECT_EQ(NamePattern("%d").Expand(7), "7");
  EXPECT_EQ(NamePattern("a%3db").Expand(7), "a  7b");
  EXPECT_EQ(NamePattern("%02d.raw").Expand(12345), "12345.raw");
  EXPECT_TRUE(NamePattern("%d").varies());
}

TEST(NamePattern, APlainNameStaysWhatItIs) {
  const NamePattern plain("100%%.png");
  EXPECT_EQ(plain.Expand(42), "100%.png");
  EXPECT_FALSE(plain.varies());
}

TEST(NamePattern, WhatPrintfWouldDoWithTheStackIsRefused) {
  for (const char* bad : {"%s", "%n", "%", "a%", "%6", "%-6d", "%x", "%d%d", "%.3d", "%1000000d",
                          "%99999999999999999999d"}) {
    EXPECT_THROW(NamePattern{bad}, UsageError) << bad;
  }
}

}  // namespace
}  // namespace grabfs::cli
