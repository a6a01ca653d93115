// SPDX-License-Identifier: Apache-2.0
//
// Does anything grow with the number of frames already captured? Small frames, as fast as possible;
// a daemon that has captured very many against fresh ones.
#include <algorithm>
#include <chrono>

#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"

namespace grabfs::bench {
namespace {

constexpr unsigned kBuffers = 8;
constexpr unsigned kFrameBytes = 64 * 64;

std::vector<std::string> SmallDevice() {
  return {"cam0=pattern,width=64,height=64,format=GREY,rate=0,state=stopped,buffers=" +
          std::to_string(kBuffers)};
}

// Seconds for one frame.
double TimeFrames(const Daemon& daemon, std::chrono::milliseconds window) {
  const mount_test::Device device = daemon.device();
  CaptureFor(device, window / 4);  // what only the first frames take is not meant
  const uint64_t first = device.NextSequence();
  const double seconds = Seconds([&] { CaptureFor(device, window); });
  return seconds / static_cast<double>(std::max<uint64_t>(1, device.NextSequence() - first));
}

}  // namespace

std::vector<Row> BenchmarkGrowth(const Context& context) {
  const std::chrono::milliseconds window(context.quick ? 100 : 400);
  const Daemon old(context, SmallDevice());
  CaptureFor(old.device(), 3 * window);
  const uint64_t memory = old.ResidentBytes();
  CaptureFor(old.device(), 10 * window);
  const uint64_t grown = old.ResidentBytes();
  const std::string frames = std::to_string(old.device().NextSequence()) + " frames";
  const Comparison times = Compare(
      std::max(1, context.pairs / 3), [&] { return TimeFrames(old, window); },
      [&] { return TimeFrames(Daemon(context, SmallDevice()), window); });

  const double beyond = static_cast<double>(grown - kBuffers * kFrameBytes) / (1 << 20);
  const double growth = (static_cast<double>(grown) - static_cast<double>(memory)) / (1 << 20);
  return {{"memory beyond the buffers after " + frames, beyond, "MiB", AtMost(16), ""},
          {"memory grown meanwhile", growth, "MiB", AtMost(1), ""},
          {"time for a frame: late / early", times.ratio, "x", AtMost(1.1),
           "late " + FormatSeconds(times.ours) + ", early " + FormatSeconds(times.theirs)}};
}

}  // namespace grabfs::bench
