// SPDX-License-Identifier: Apache-2.0
//
// From the moment a frame is complete until a reader blocked in read(events) runs, against a round
// trip between two threads over eventfds. Each is taken after a rest of milliseconds: to wake a
// processor that has had nothing to do takes longer than to pass the word on among busy ones.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "fusefs/base/error.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/mount/support/file.h"

namespace grabfs::bench {
namespace {

// A third of the time between two frames: the next one is still to come.
constexpr std::chrono::milliseconds kRest{5};

// A thread that answers on one eventfd what comes in on another.
class Echo {
 public:
  Echo() : thread_([this] { Run(); }) {}
  ~Echo() {
    stop_ = true;
    Write(there_);
    thread_.join();
  }
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;

  double TimeRoundTrip() {
    return Seconds([this] {
      Write(there_);
      Read(back_);
    });
  }

 private:
  static UniqueFd MakeEventFd() {
    return UniqueFd(CheckSyscall(::eventfd(0, EFD_CLOEXEC), "eventfd"));
  }
  static void Write(const UniqueFd& fd) { CheckSyscall(::eventfd_write(fd.get(), 1), "eventfd"); }
  static void Read(const UniqueFd& fd) {
    eventfd_t count = 0;
    CheckSyscall(::eventfd_read(fd.get(), &count), "eventfd");
  }

  void Run() {
    for (Read(there_); !stop_; Read(there_)) Write(back_);
  }

  UniqueFd there_ = MakeEventFd();
  UniqueFd back_ = MakeEventFd();
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// A thread blocked in read(events) that notes how old each frame is when it runs.
class BlockedReader {
 public:
  explicit BlockedReader(const mount_test::Device& device)
      : events_(mount_test::Open(device.Path("events"), O_RDONLY)) {}

  // Reads until a frame comes; returns its age in seconds.
  double NextAge() {
    for (;;) {
      const size_t got = ReadLines();
      const uint64_t now = MonotonicNs();
      const std::string_view lines(text_.data(), got);
      if (const auto timestamp = FrameTime(lines))
        return static_cast<double>(now - *timestamp) / 1e9;
    }
  }

 private:
  size_t ReadLines() {
    return static_cast<size_t>(
        CheckSyscall(::read(events_.get(), text_.data(), text_.size()), "read events"));
  }

  static std::optional<uint64_t> FrameTime(std::string_view lines) {
    const nlohmann::json event = nlohmann::json::parse(lines.substr(0, lines.find('\n')));
    if (event.at("event") != "frame") return std::nullopt;
    return event.at("timestamp_ns").get<uint64_t>();
  }

  UniqueFd events_;
  std::array<char, 65536> text_{};
};

}  // namespace

std::vector<Row> BenchmarkEvents(const Context& context) {
  const Daemon daemon(context, {FullHdDevice(4)});
  const mount_test::Device device = daemon.device();
  BlockedReader reader(device);
  Echo echo;
  const int frames = 40 * context.pairs;
  std::vector<double> ages;
  std::vector<double> round_trips;
  device.Set("state", "start");
  for (int frame = 0; frame < frames; ++frame) {
    ages.push_back(reader.NextAge());
    std::this_thread::sleep_for(kRest);
    round_trips.push_back(echo.TimeRoundTrip());
  }
  device.Stop();

  const double round_trip = Median(round_trips);
  const auto row = [&](const std::string& name, double part, std::optional<Target> target) {
    const double age = Quantile(ages, part);
    return Row{"frame complete to reader of events running, " + name + ": eventfd round trips",
               age / round_trip, "x", target,
               FormatSeconds(age) + ", round trip " + FormatSeconds(round_trip)};
  };
  return {row("median", 0.5, AtMost(3)), row("99th percentile", 0.99, std::nullopt)};
}

}  // namespace grabfs::bench
