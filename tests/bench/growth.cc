// SPDX-License-Identifier: Apache-2.0
//
// Does anything grow with the number of frames already captured? Small frames, as fast as possible.
#include <chrono>
#include <thread>

#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"

namespace grabfs::bench {
namespace {

constexpr unsigned kBuffers = 8;
constexpr unsigned kFrameBytes = 64 * 64;

// Seconds for one frame, over a part of the capture.
double TimeFrames(const mount_test::Device& device, std::chrono::milliseconds window) {
  const uint64_t first = device.NextSequence();
  const double seconds = Seconds([&] { std::this_thread::sleep_for(window); });
  return seconds / static_cast<double>(std::max<uint64_t>(1, device.NextSequence() - first));
}

}  // namespace

std::vector<Row> BenchmarkGrowth(const Context& context) {
  const std::chrono::milliseconds window(context.quick ? 300 : 1000);
  const Daemon daemon(context,
                      {"cam0=pattern,width=64,height=64,format=GREY,rate=0,state=stopped,buffers=" +
                       std::to_string(kBuffers)});
  const mount_test::Device device = daemon.device();
  device.Set("state", "start");
  const double early = TimeFrames(device, window);
  const uint64_t memory = daemon.ResidentBytes();
  std::this_thread::sleep_for(4 * window);
  const double late = TimeFrames(device, window);
  const uint64_t grown = daemon.ResidentBytes();
  device.Stop();

  const double beyond = static_cast<double>(grown - kBuffers * kFrameBytes) / (1 << 20);
  const double growth = (static_cast<double>(grown) - static_cast<double>(memory)) / (1 << 20);
  const std::string frames = std::to_string(device.NextSequence()) + " frames";
  return {{"memory beyond the buffers after " + frames, beyond, "MiB", AtMost(16), ""},
          {"memory grown meanwhile", growth, "MiB", AtMost(1), "after " + frames},
          {"time for a frame: late / early", late / early, "x", AtMost(1.1),
           "late " + FormatSeconds(late) + ", early " + FormatSeconds(early)}};
}

}  // namespace grabfs::bench
