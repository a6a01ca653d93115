// SPDX-License-Identifier: Apache-2.0
//
// The table of all benchmarks. Each is a file of its own name.
#pragma once

#include <span>

#include "tests/bench/benchmark.h"

namespace grabfs::bench {

std::vector<Row> BenchmarkRead(const Context& context);
std::vector<Row> BenchmarkCopy(const Context& context);
std::vector<Row> BenchmarkMap(const Context& context);
std::vector<Row> BenchmarkFollow(const Context& context);
std::vector<Row> BenchmarkEvents(const Context& context);
std::vector<Row> BenchmarkOpen(const Context& context);
std::vector<Row> BenchmarkList(const Context& context);
std::vector<Row> BenchmarkIdle(const Context& context);
std::vector<Row> BenchmarkInFlight(const Context& context);
std::vector<Row> BenchmarkSlowClients(const Context& context);
std::vector<Row> BenchmarkGrowth(const Context& context);
std::vector<Row> BenchmarkRing(const Context& context);
std::vector<Row> BenchmarkRingLatency(const Context& context);
std::vector<Row> BenchmarkHandOver(const Context& context);
std::vector<Row> BenchmarkReaders(const Context& context);
std::vector<Row> BenchmarkAppend(const Context& context);
std::vector<Row> BenchmarkAllocWaiting(const Context& context);
std::vector<Row> BenchmarkStreamWaiting(const Context& context);
std::vector<Row> BenchmarkAnnounce(const Context& context);

// In the order in which they run and are printed.
std::span<const Benchmark> Benchmarks();

}  // namespace grabfs::bench
