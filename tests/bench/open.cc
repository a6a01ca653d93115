// SPDX-License-Identifier: Apache-2.0
//
// Opening and closing a frame: the one thing for which a reader has to ask the daemon.
#include <fcntl.h>

#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/bench/twins.h"
#include "tests/mount/support/file.h"

namespace grabfs::bench {
namespace {

// A tenth of a second: a host may take some of that to give two processors to a virtual machine.
constexpr int kRounds = 5000;

double TimeOpens(const std::string& path) {
  return Seconds([&] {
    for (int round = 0; round < kRounds; ++round) mount_test::Open(path, O_RDONLY).reset();
  });
}

}  // namespace

std::vector<Row> BenchmarkOpen(const Context& context) {
  const Daemon daemon(context, {FullHdDevice(2)});
  const Twins twins = CaptureTwins(context, daemon.device(), 1);
  const Comparison times = Compare(
      context.pairs, [&] { return TimeOpens(twins.frames[0]) / kRounds; },
      [&] { return TimeOpens(twins.copies[0]) / kRounds; });
  return {{"open and close of a frame: time / tmpfs", times.ratio, "x", AtMost(6),
           BothSides(times, "tmpfs")}};
}

}  // namespace grabfs::bench
