// SPDX-License-Identifier: Apache-2.0
//
// What a device costs that nobody reads: processor time beyond writing the pixels, memory beyond
// the buffers. 1920x1080 at 60 frames a second.
#include <fcntl.h>

#include <ctime>

#include <algorithm>
#include <chrono>
#include <thread>

#include "fusefs/base/mapping.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/bench/painter.h"
#include "tests/mount/support/file.h"

namespace grabfs::bench {
namespace {

constexpr unsigned kBuffers = 8;
constexpr unsigned kFramesPerSecond = 60;
constexpr std::chrono::seconds kWindow{1};

double ThreadCpuSeconds() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

// Processor seconds of the daemon for one frame.
double StreamFor(const Daemon& daemon, std::chrono::seconds window) {
  const mount_test::Device device = daemon.device();
  const uint64_t first = device.NextSequence();
  const double before = daemon.CpuSeconds();
  CaptureFor(device, window);
  const double used = daemon.CpuSeconds() - before;
  return used / static_cast<double>(std::max<uint64_t>(1, device.NextSequence() - first));
}

// Paints at the same pace into the very buffers of the device, round and round, while it is
// stopped: where memory lies makes more of a difference than what is measured here.
class PacedPainter {
 public:
  explicit PacedPainter(const mount_test::Device& device) : picture_(FullHdPicture()) {
    for (unsigned buffer = 0; buffer < kBuffers; ++buffer) {
      const UniqueFd file = mount_test::Open(device.Buffer(buffer), O_RDWR);
      buffers_.push_back(std::make_unique<Mapping>(file.get(), picture_.bytes(), "bench"));
    }
  }

  // Processor seconds for one frame, the pauses between frames left out.
  double PaintFor(std::chrono::seconds window) {
    constexpr auto kInterval = std::chrono::nanoseconds(kNsPerSecond / kFramesPerSecond);
    const auto frames = static_cast<int>(window / kInterval);
    auto due = std::chrono::steady_clock::now();
    double used = 0;
    for (int frame = 0; frame < frames; ++frame) {
      std::this_thread::sleep_until(due += kInterval);
      const double before = ThreadCpuSeconds();
      picture_.Paint(sequence_, buffers_[sequence_ % kBuffers]->bytes());
      used += ThreadCpuSeconds() - before;
      ++sequence_;
    }
    return used / frames;
  }

 private:
  TestPicture picture_;
  std::vector<std::unique_ptr<Mapping>> buffers_;
  uint64_t sequence_ = 0;
};

double MebibytesBeyondBuffers(const Daemon& daemon) {
  const nlohmann::json status = daemon.device().Status();
  const uint64_t buffers = status.at("bytes").get<uint64_t>() * kBuffers;
  return (static_cast<double>(daemon.ResidentBytes()) - static_cast<double>(buffers)) / (1 << 20);
}

}  // namespace

std::vector<Row> BenchmarkIdle(const Context& context) {
  const Daemon daemon(context, {FullHdDevice(kBuffers)});
  PacedPainter painter(daemon.device());
  const Comparison cpu = Compare(
      std::max(2, context.pairs / 2), [&] { return StreamFor(daemon, kWindow); },
      [&] { return painter.PaintFor(kWindow); });
  return {
      {"1080p at 60/s, nobody reading: processor beyond writing the pixels",
       100 * cpu.difference * kFramesPerSecond, "% of a core", AtMost(1),
       BothSides(cpu, "painting") + " for a frame"},
      {"1080p, memory beyond the buffers", MebibytesBeyondBuffers(daemon), "MiB", AtMost(16), ""}};
}

}  // namespace grabfs::bench
