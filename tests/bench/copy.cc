// SPDX-License-Identifier: Apache-2.0
//
// cp of many frames against cp of the same files from a tmpfs, both to the same third place.
#include "tests/bench/benchmarks.h"
#include "tests/bench/command.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/bench/twins.h"

namespace grabfs::bench {
namespace {

double TimeCopy(const Context& context, const std::vector<std::string>& files) {
  EmptyDirectory(context.scratch.copies());
  std::vector<std::string> command = {"cp", "-t", context.scratch.copies()};
  command.insert(command.end(), files.begin(), files.end());
  return TimeCommand(command);
}

}  // namespace

std::vector<Row> BenchmarkCopy(const Context& context) {
  const unsigned count = context.quick ? 20 : 100;
  const Daemon daemon(context, {FullHdDevice(count)});
  const Twins twins = CaptureTwins(context, daemon.device(), count);
  const Comparison times = Compare(
      context.pairs, [&] { return TimeCopy(context, twins.frames); },
      [&] { return TimeCopy(context, twins.copies); });
  EmptyDirectory(context.scratch.copies());
  EmptyDirectory(context.scratch.tmpfs());
  return {{"cp of " + std::to_string(count) + " frames: time / tmpfs", times.ratio, "x",
           AtMost(1.1), BothSides(times, "tmpfs")}};
}

}  // namespace grabfs::bench
