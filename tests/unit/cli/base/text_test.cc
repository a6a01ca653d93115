// SPDX-License-Identifier: Apache-2.0
#include "cli/base/text.h"

#include <gtest/gtest.h>

namespace grabfs::cli {
namespace {

TEST(Text, BytesAreShownInPowersOfAThousand) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(999), "999 B");
  EXPECT_EQ(HumanBytes(1000), "1.0 kB");
  EXPECT_EQ(HumanBytes(8294400), "8.3 MB");
  EXPECT_EQ(HumanBytes(999999), "1.0 MB");
  EXPECT_EQ(HumanBytes(18446744073709551615U), "18.4 EB");
}

TEST(Text, OnlyOneIsSingular) {
  EXPECT_EQ(Plural(0, "frame"), "0 frames");
  EXPECT_EQ(Plural(1, "frame"), "1 frame");
  EXPECT_EQ(Plural(2, "frame"), "2 frames");
}

TEST(Text, CountsAreDecimalEvenWithLeadingZeros) {
  EXPECT_EQ(ParseCount("00000042"), 42U);
  EXPECT_EQ(ParseCount("18446744073709551615"), 18446744073709551615U);
  for (const char* bad : {"", "-1", "+1", "0x10", "1.0", "4 ", "18446744073709551616"}) {
    EXPECT_EQ(ParseCount(bad), std::nullopt) << bad;
  }
}

TEST(Text, SecondsAreFiniteAndNotNegative) {
  EXPECT_EQ(ParseSeconds("0.25"), 0.25);
  EXPECT_EQ(ParseSeconds("0"), 0.0);
  for (const char* bad : {"", "-1", "nan", "inf", "1s", "1e999"}) {
    EXPECT_EQ(ParseSeconds(bad), std::nullopt) << bad;
  }
}

TEST(Text, AHintIsWhatWasLikelyMeant) {
  const std::vector<std::string> words = {"save", "stream", "stop"};
  EXPECT_EQ(Hint("sav", words), ": did you mean 'save'?");
  EXPECT_EQ(Hint("staem", words), ": did you mean 'stream'?");
  EXPECT_EQ(Hint("frobnicate", words), ";");
  EXPECT_EQ(Hint("x", {}), ";");
}

TEST(Text, AMessageIsOneLine) { EXPECT_EQ(OneLine("a\nb\r\n"), "a b"); }

TEST(Text, WhatATerminalWouldObeyIsNotPrintable) {
  EXPECT_EQ(Printable("\x1b[31mred\x07"), "?[31mred?");
  EXPECT_EQ(Printable("one\ttwo\nthree"), "one\ttwo\nthree");
  EXPECT_EQ(Printable("\xc2\x9b 1A \x7f"), "? 1A ?");  // a C1 control character
  EXPECT_EQ(Printable("\xc3\x9b \xe2\x80\x94 \xc2\xb5s"),
            "\xc3\x9b \xe2\x80\x94 \xc2\xb5s");  // Û — µs
  EXPECT_EQ(OneLine("a\x1b]0;title\x07"), "a?]0;title?");
}

}  // namespace
}  // namespace grabfs::cli
