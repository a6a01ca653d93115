// SPDX-License-Identifier: Apache-2.0
//
// The text of status.json is made when something has changed, not when somebody asks.
#include "fusefs/vfs/status.h"

#include <gtest/gtest.h>

#include <string>

namespace grabfs {
namespace {

struct Report {
  std::string text;
  friend bool operator==(const Report&, const Report&) = default;
};

unsigned printed = 0;

std::string Print(const Report& report) {
  ++printed;
  return "<" + report.text + ">";
}

TEST(PrintedTest, IsPrintedOnceForEachChange) {
  Printed<Report> status;
  printed = 0;
  EXPECT_EQ(*status.Of({""}), "<>");
  EXPECT_EQ(*status.Of({""}), "<>");
  EXPECT_EQ(printed, 1U);
  EXPECT_EQ(*status.Of({"a"}), "<a>");
  EXPECT_EQ(*status.Of({"a"}), "<a>");
  EXPECT_EQ(printed, 2U);
}

TEST(PrintedTest, WhoLeadsAnswersFromWhatIsThere) {
  Printed<Report> status;
  (void)status.Of({"a"});
  const NoWaiting leader;
  EXPECT_EQ(*status.Of({"a"}), "<a>");
  EXPECT_THROW((void)status.Of({"b"}), NeedsTime);
}

}  // namespace
}  // namespace grabfs
