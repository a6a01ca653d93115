// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/benchmarks.h"

#include <array>

namespace grabfs::bench {

std::span<const Benchmark> Benchmarks() {
  static constexpr auto kBenchmarks = std::to_array<Benchmark>({
      {"read", BenchmarkRead},
      {"copy", BenchmarkCopy},
      {"map", BenchmarkMap},
      {"follow", BenchmarkFollow},
      {"events", BenchmarkEvents},
      {"open", BenchmarkOpen},
      {"ring", BenchmarkRing},
      {"ring_latency", BenchmarkRingLatency},
      {"handover", BenchmarkHandOver},
      {"list", BenchmarkList},
      {"idle", BenchmarkIdle},
      {"in_flight", BenchmarkInFlight},
      {"slow_clients", BenchmarkSlowClients},
      {"growth", BenchmarkGrowth},
      {"readers", BenchmarkReaders},
      {"append", BenchmarkAppend},
      {"alloc_waiting", BenchmarkAllocWaiting},
      {"stream_waiting", BenchmarkStreamWaiting},
      {"announce", BenchmarkAnnounce},
  });
  return kBenchmarks;
}

}  // namespace grabfs::bench
