// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/difference.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/mount/differential/script.h"
#include "tests/mount/support/file.h"

namespace grabfs::differential {
namespace {

constexpr Setting kSetting{.file_bytes = 12220, .passthrough = true};

Operation ParseOne(const std::string& line) {
  return ParseScript("size 12220\n" + line).operations.at(0);
}

// What tmpfs is asked where grabfs has answered `subject`.
std::string AskedInstead(const std::string& line, int64_t subject) {
  const Operation operation = ParseOne(line);
  const Difference* const difference = FindDifference(operation, kSetting, subject);
  return difference ? Print(difference->instead(operation, kSetting)) : "the same";
}

TEST(DifferenceTest, TheDocumentGivesTheReasonForEach) {
  const std::string document = mount_test::ReadText("docs/differences.md");
  for (const Difference& difference : Differences()) {
    EXPECT_NE(document.find("| " + std::string(difference.name) + " |"), std::string::npos)
        << difference.name;
  }
}

TEST(DifferenceTest, WhatBothCanDoIsAskedAsItIs) {
  EXPECT_EQ(AskedInstead("0 pwrite fd=0 length=10 offset=0 seed=0", 10), "the same");
  EXPECT_EQ(AskedInstead("0 ftruncate fd=0 size=12220", 0), "the same");
  EXPECT_EQ(AskedInstead("0 ftruncate fd=0 size=5", -EBADF), "the same");
  EXPECT_EQ(AskedInstead("0 open fd=0 file=0 flags=O_RDWR", 0), "the same");
}

TEST(DifferenceTest, ItsFileKeepsItsSize) {
  EXPECT_EQ(AskedInstead("0 ftruncate fd=0 size=5", -EPERM), "0 ftruncate fd=0 size=12220");
  EXPECT_EQ(AskedInstead("0 open flags=O_RDWR|O_TRUNC", 0), "0 open fd=0 file=0 flags=O_RDWR");
}

TEST(DifferenceTest, AnotherErrorThanTheOneThatIsMeantIsADifference) {
  const Operation write = ParseOne("0 pwrite fd=0 length=10 offset=12220");
  const Difference* const difference = FindDifference(write, kSetting, -ENOSPC);
  ASSERT_TRUE(difference);
  EXPECT_TRUE(difference->agrees(write, -ENOSPC, -EFBIG));
  EXPECT_FALSE(difference->agrees(write, -ENOSPC, -EBADF));
  EXPECT_FALSE(difference->agrees(write, -ENOSPC, 10));
}

}  // namespace
}  // namespace grabfs::differential
