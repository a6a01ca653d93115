// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace grabfs::bench {
namespace {

using ::testing::HasSubstr;

const Row kReached{"opening", 5.5, "x", AtMost(6), "both sides"};
const Row kMissed{"reading", 0.5, "x", AtLeast(0.97), ""};
const Row kUntargeted{"the tail", 9, "x", std::nullopt, ""};

TEST(BenchReport, TargetsAreBounds) {
  EXPECT_FALSE(kReached.Missed());
  EXPECT_TRUE(kMissed.Missed());
  EXPECT_FALSE(kUntargeted.Missed());
  EXPECT_TRUE(AtMost(6).Met(6));
  EXPECT_TRUE(AtLeast(0.97).Met(0.97));
}

TEST(BenchReport, KnowsWhetherAnythingWentWrong) {
  Report report;
  report.results = {{"open", {kReached, kUntargeted}, ""}};
  EXPECT_FALSE(report.Failed());
  EXPECT_FALSE(report.Missed());
  report.results.push_back({"read", {kMissed}, ""});
  EXPECT_TRUE(report.Missed());
  report.results.push_back({"list", {}, "no daemon"});
  EXPECT_TRUE(report.Failed());
}

TEST(BenchReport, PrintsWhatTargetMeasuredVerdict) {
  std::ostringstream out;
  PrintResult({"open", {kReached, kMissed}, ""}, out);
  EXPECT_THAT(out.str(), HasSubstr("opening"));
  EXPECT_THAT(out.str(), HasSubstr("<= 6"));
  EXPECT_THAT(out.str(), HasSubstr("5.5 x | reached   (both sides)"));
  EXPECT_THAT(out.str(), HasSubstr(">= 0.97"));
  EXPECT_THAT(out.str(), HasSubstr("0.5 x | MISSED\n"));
}

TEST(BenchReport, JsonSaysTheSame) {
  Report report;
  report.machine.data_path = "passthrough";
  report.results = {{"open", {kReached, kUntargeted}, ""}, {"list", {}, "no daemon"}};
  std::ostringstream out;
  PrintJson(report, out);
  const nlohmann::json json = nlohmann::json::parse(out.str());
  EXPECT_EQ(json.at("data_path"), "passthrough");
  const nlohmann::json& row = json.at("results").at(0).at("rows").at(0);
  EXPECT_EQ(row.at("value"), 5.5);
  EXPECT_EQ(row.at("target").at("at_most"), 6);
  EXPECT_EQ(row.at("verdict"), "reached");
  EXPECT_TRUE(json.at("results").at(0).at("rows").at(1).at("target").is_null());
  EXPECT_EQ(json.at("results").at(1).at("failure"), "no daemon");
}

}  // namespace
}  // namespace grabfs::bench
