// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/shrink.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/mount/differential/generator.h"

namespace grabfs::differential {
namespace {

constexpr unsigned kEnough = 5000;

using Sequence = std::vector<Operation>;

bool Has(const Sequence& sequence, std::string_view verb) {
  return std::ranges::any_of(sequence, [&](const Operation& o) { return o.verb->name == verb; });
}

Sequence RandomSequence() { return Generate(1, 12220, 1000).operations; }

TEST(ShrinkTest, OneCulpritIsAllThatIsLeft) {
  const Sequence shrunk = Shrink(
      RandomSequence(), [](const Sequence& s) { return Has(s, "msync"); }, kEnough);
  ASSERT_EQ(shrunk.size(), 1U);
  EXPECT_EQ(shrunk[0].verb->name, "msync");
}

TEST(ShrinkTest, OperationsThatNeedEachOtherStay) {
  const Sequence shrunk = Shrink(
      RandomSequence(),
      [](const Sequence& s) { return Has(s, "msync") && Has(s, "fsync") && Has(s, "open"); },
      kEnough);
  EXPECT_EQ(shrunk.size(), 3U);
}

TEST(ShrinkTest, OrderIsKept) {
  const auto fails = [](const Sequence& s) {
    const auto first = std::ranges::find(s, FindVerb("pwrite"), &Operation::verb);
    return std::find_if(first, s.end(),
                        [](const Operation& o) { return o.verb->name == "pread"; }) != s.end();
  };
  const Sequence shrunk = Shrink(RandomSequence(), fails, kEnough);
  ASSERT_EQ(shrunk.size(), 2U);
  EXPECT_EQ(shrunk[0].verb->name, "pwrite");
  EXPECT_EQ(shrunk[1].verb->name, "pread");
}

TEST(ShrinkTest, ArgumentsBecomeSimple) {
  const Operation culprit{3, true, FindVerb("open"), {4, 1, O_RDWR | O_DIRECT | O_NONBLOCK}};
  const auto fails = [](const Sequence& s) { return !s.empty() && (s[0].arguments[2] & O_DIRECT); };
  EXPECT_EQ(Shrink({culprit}, fails, kEnough),
            (Sequence{{0, false, FindVerb("open"), {0, 0, O_DIRECT}}}));
}

TEST(ShrinkTest, NumbersGoDownAsFarAsTheyCan) {
  const Operation culprit{0, false, FindVerb("pread"), {0, 9000, 0}};
  const auto fails = [](const Sequence& s) { return !s.empty() && s[0].arguments[1] > 4096; };
  const Sequence shrunk = Shrink({culprit}, fails, kEnough);
  ASSERT_EQ(shrunk.size(), 1U);
  EXPECT_LT(shrunk[0].arguments[1], 9000);
  EXPECT_GT(shrunk[0].arguments[1], 4096);
}

TEST(ShrinkTest, WhatIsReturnedFailsAndTriesAreBounded) {
  unsigned asked = 0;
  const auto fails = [&](const Sequence& s) {
    asked++;
    return Has(s, "msync") && Has(s, "fsync");
  };
  const Sequence shrunk = Shrink(RandomSequence(), fails, 7);
  EXPECT_LE(asked, 7U);
  EXPECT_TRUE(Has(shrunk, "msync") && Has(shrunk, "fsync"));
}

}  // namespace
}  // namespace grabfs::differential
