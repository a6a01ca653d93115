// SPDX-License-Identifier: Apache-2.0
//
// Ten devices and 64 readers that open every frame: the daemon's work for the same load must be the
// same before and after very many frames.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "fusefs/base/error.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/mount/support/file.h"

namespace grabfs::bench {
namespace {

constexpr unsigned kDevices = 10;
constexpr unsigned kReaders = 64;
constexpr unsigned kBuffers = 16;
constexpr size_t kFrameBytes = size_t{160} * 120;
constexpr const char* kPacedRate = "50";

std::string Name(unsigned device) { return "cam" + std::to_string(device); }

std::vector<std::string> DeviceArguments() {
  std::vector<std::string> devices;
  for (unsigned device = 0; device < kDevices; ++device) {
    devices.push_back(Name(device) + "=pattern,width=160,height=120,format=GREY,state=streaming," +
                      "buffers=" + std::to_string(kBuffers) + ",rate=" + kPacedRate);
  }
  return devices;
}

// Readers that take a look at the newest frame at each event, for as long as they live.
class Readers {
 public:
  explicit Readers(const Daemon& daemon) {
    for (unsigned reader = 0; reader < kReaders; ++reader) {
      threads_.emplace_back(
          [this, device = daemon.device(Name(reader % kDevices))] { Follow(device); });
    }
  }
  ~Readers() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

 private:
  void Follow(const mount_test::Device& device) const {
    const UniqueFd events = mount_test::Open(device.Path("events"), O_RDONLY);
    std::array<char, 1 << 16> lines{};
    std::array<std::byte, kFrameBytes> pixels{};
    while (!stop_) {
      pollfd waiting{events.get(), POLLIN, 0};
      if (::poll(&waiting, 1, 100) != 1) continue;
      // Whatever happened since the last look: one look at the newest frame answers it.
      CheckSyscall(::read(events.get(), lines.data(), lines.size()), "read events");
      // Fails when the frame is overtaken between lookup and open too often; the next one counts.
      const UniqueFd frame(::open(device.latest().c_str(), O_RDONLY | O_CLOEXEC));
      if (frame.valid()) Use(::pread(frame.get(), pixels.data(), pixels.size(), 0));
    }
  }

  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
};

void SetRates(const Daemon& daemon, const std::string& rate) {
  for (unsigned device = 0; device < kDevices; ++device) {
    daemon.device(Name(device)).Set("rate", rate);
  }
}

uint64_t Captured(const Daemon& daemon) {
  uint64_t captured = 0;
  for (unsigned device = 0; device < kDevices; ++device) {
    captured += daemon.device(Name(device)).NextSequence();
  }
  return captured;
}

// Processor seconds of the daemon for one frame, captured and read at the fixed rate; the median
// of a few windows.
double CpuForAFrame(const Daemon& daemon, std::chrono::milliseconds window) {
  std::vector<double> samples;
  while (samples.size() < 3) {
    const uint64_t first = Captured(daemon);
    const double before = daemon.CpuSeconds();
    std::this_thread::sleep_for(window);
    const double used = daemon.CpuSeconds() - before;
    samples.push_back(used / static_cast<double>(std::max<uint64_t>(1, Captured(daemon) - first)));
  }
  return Median(samples);
}

}  // namespace

std::vector<Row> BenchmarkReaders(const Context& context) {
  const std::chrono::milliseconds window(context.quick ? 300 : 1500);
  const Daemon daemon(context, DeviceArguments());
  const Readers readers(daemon);
  std::this_thread::sleep_for(window);
  const double early = CpuForAFrame(daemon, window);
  SetRates(daemon, "0");
  std::this_thread::sleep_for(2 * window);
  SetRates(daemon, kPacedRate);
  std::this_thread::sleep_for(2 * window);
  const double late = CpuForAFrame(daemon, window);

  const std::string frames = "after " + std::to_string(Captured(daemon)) + " frames";
  const auto buffers = static_cast<double>(kDevices * kBuffers * kFrameBytes);
  const double beyond = (static_cast<double>(daemon.ResidentBytes()) - buffers) / (1 << 20);
  return {{"10 devices, 64 readers: processor for a frame, late / early", late / early, "x",
           AtMost(1.1),
           "late " + FormatSeconds(late) + ", early " + FormatSeconds(early) + ", " + frames},
          {"10 devices, 64 readers: memory beyond the buffers", beyond, "MiB", AtMost(16), frames}};
}

}  // namespace grabfs::bench
