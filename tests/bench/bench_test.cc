// SPDX-License-Identifier: Apache-2.0
//
// The benchmark measures everything that it names. What the figures come to is not a test's
// business: the machine may be busy.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/mount/support/process.h"

namespace grabfs::bench {
namespace {

TEST(Bench, MeasuresEveryFigure) {
  if (::geteuid() != 0) GTEST_SKIP() << "the benchmark mounts file systems: needs root";
  mount_test::Process bench({"tests/bench/bench", "--quick", "--repeat", "1", "--json"});
  while (!bench.Poll()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ASSERT_EQ(bench.Poll(), 0) << bench.out() << bench.err();
  const nlohmann::json report = nlohmann::json::parse(bench.out());
  EXPECT_FALSE(report.at("kernel").get<std::string>().empty());
  EXPECT_GE(report.at("results").size(), 10U);
  for (const nlohmann::json& benchmark : report.at("results")) {
    EXPECT_FALSE(benchmark.at("rows").empty()) << benchmark;
  }
}

}  // namespace
}  // namespace grabfs::bench
