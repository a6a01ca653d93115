// SPDX-License-Identifier: Apache-2.0
//
// The benchmark measures everything that it names. What the figures come to is not a test's
// business: the machine may be busy.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/mount/support/process.h"

namespace grabfs::bench {
namespace {

void ExpectFigures(const std::vector<std::string>& command, size_t benchmarks) {
  mount_test::Process bench(command);
  while (!bench.Poll()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ASSERT_EQ(bench.Poll(), 0) << bench.out() << bench.err();
  const nlohmann::json report = nlohmann::json::parse(bench.out());
  EXPECT_FALSE(report.at("kernel").get<std::string>().empty());
  EXPECT_GE(report.at("results").size(), benchmarks);
  for (const nlohmann::json& benchmark : report.at("results")) {
    EXPECT_FALSE(benchmark.at("rows").empty()) << benchmark;
  }
}

TEST(Bench, MeasuresEveryFigure) {
  if (::geteuid() != 0) GTEST_SKIP() << "the benchmark mounts file systems: needs root";
  ExpectFigures({"tests/bench/bench", "--quick", "--repeat", "1", "--json"}, 10);
}

TEST(Bench, MeasuresPython) {
  if (::geteuid() != 0) GTEST_SKIP() << "the benchmark mounts file systems: needs root";
  ::setenv("GRABFS_BIN", "fusefs/main/grabfs", 1);
  ::setenv("GRABFS_LIBRARY", std::filesystem::absolute("cli/lib/libgrabfs.so.0").c_str(), 1);
  ::setenv("PYTHONPATH", std::filesystem::absolute("cli/python").c_str(), 1);
  ExpectFigures({"/usr/bin/python3", "-B", "tests/bench/python_loops.py", "--quick", "--json"}, 4);
}

}  // namespace
}  // namespace grabfs::bench
