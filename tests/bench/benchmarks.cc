// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/benchmarks.h"

#include <array>

namespace grabfs::bench {

std::span<const Benchmark> Benchmarks() {
  static constexpr std::array<Benchmark, 10> kBenchmarks = {{
      {"read", BenchmarkRead},
      {"copy", BenchmarkCopy},
      {"map", BenchmarkMap},
      {"follow", BenchmarkFollow},
      {"events", BenchmarkEvents},
      {"open", BenchmarkOpen},
      {"list", BenchmarkList},
      {"idle", BenchmarkIdle},
      {"growth", BenchmarkGrowth},
      {"readers", BenchmarkReaders},
  }};
  return kBenchmarks;
}

}  // namespace grabfs::bench
