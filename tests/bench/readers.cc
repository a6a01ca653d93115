// SPDX-License-Identifier: Apache-2.0
//
// Ten devices and 64 readers that open every frame: a daemon that has captured very many frames has
// the same work with the next one as a daemon that has just begun.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
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
    devices.push_back(Name(device) + "=pattern,width=160,height=120,format=GREY,state=stopped," +
                      "buffers=" + std::to_string(kBuffers));
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

// A daemon with its devices and their readers. Nothing is captured but in its calls.
class Load {
 public:
  explicit Load(const Context& context) : daemon_(context, DeviceArguments()), readers_(daemon_) {}

  void CaptureFor(std::chrono::milliseconds time, const std::string& rate) {
    for (const mount_test::Device& device : Devices()) {
      device.Set("rate", rate);
      device.Set("state", "start");
    }
    std::this_thread::sleep_for(time);
    for (const mount_test::Device& device : Devices()) device.Stop();
  }

  // Processor seconds of the daemon for one frame, captured and read at a fixed rate.
  double CpuForAFrame(std::chrono::milliseconds window) {
    const uint64_t first = Captured();
    const double before = daemon_.CpuSeconds();
    CaptureFor(window, kPacedRate);
    const double used = daemon_.CpuSeconds() - before;
    return used / static_cast<double>(std::max<uint64_t>(1, Captured() - first));
  }

  [[nodiscard]] uint64_t Captured() const {
    uint64_t captured = 0;
    for (const mount_test::Device& device : Devices()) captured += device.NextSequence();
    return captured;
  }

  [[nodiscard]] double MiBBeyondTheBuffers() const {
    const auto buffers = static_cast<double>(kDevices * kBuffers * kFrameBytes);
    return (static_cast<double>(daemon_.ResidentBytes()) - buffers) / (1 << 20);
  }

 private:
  [[nodiscard]] std::vector<mount_test::Device> Devices() const {
    std::vector<mount_test::Device> devices;
    for (unsigned device = 0; device < kDevices; ++device) {
      devices.push_back(daemon_.device(Name(device)));
    }
    return devices;
  }

  const Daemon daemon_;
  const Readers readers_;
};

}  // namespace

std::vector<Row> BenchmarkReaders(const Context& context) {
  const std::chrono::milliseconds window(context.quick ? 200 : 1000);
  Load old(context);
  Load young(context);
  old.CaptureFor(3 * window, "0");
  const std::string frames = "after " + std::to_string(old.Captured()) + " frames";
  const Comparison times = Compare(
      std::max(1, context.pairs / 3), [&] { return old.CpuForAFrame(window); },
      [&] { return young.CpuForAFrame(window); });
  return {
      {"10 devices, 64 readers: processor for a frame, late / early", times.ratio, "x", AtMost(1.1),
       "late " + FormatSeconds(times.ours) + ", early " + FormatSeconds(times.theirs) + ", " +
           frames},
      {"10 devices, 64 readers: memory beyond the buffers", old.MiBBeyondTheBuffers(), "MiB",
       AtMost(16), frames}};
}

}  // namespace grabfs::bench
