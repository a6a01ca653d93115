// SPDX-License-Identifier: Apache-2.0
//
// What one user does with streams and events of a device, and what a bystander who looks at its
// newest frame waits for it at worst; and how many frames the device loses by it.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/bench/attack.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/mount/support/file.h"
#include "tests/mount/support/wait.h"

namespace grabfs::bench {
namespace {

constexpr size_t kStreams = 400;
constexpr size_t kListeners = 1000;
constexpr unsigned kBuffers = 8;

// As many as he may have.
std::vector<UniqueFd> OpenMany(const std::string& path, size_t count) {
  const rlimit limit = {2 * kListeners, 2 * kListeners};
  ::setrlimit(RLIMIT_NOFILE, &limit);
  std::vector<UniqueFd> files;
  while (files.size() < count) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!fd.valid()) break;
    files.push_back(std::move(fd));
  }
  return files;
}

// Readers that stop after a hundred bytes, each where it is.
void StopInStreams(const std::string& path) {
  const auto streams = OpenMany(path, kStreams);
  std::array<char, 100> bytes{};
  for (const UniqueFd& stream : streams) {
    pollfd polled{stream.get(), POLLIN, 0};
    (void)::poll(&polled, 1, 100);
    (void)!::read(stream.get(), bytes.data(), bytes.size());
  }
  ::pause();
}

// Readers that take all that there is, as fast as they get it.
void ReadStreams(const std::string& path) {
  const auto streams = OpenMany(path, 4);
  std::vector<char> bytes(1 << 20);
  for (;;) {
    for (const UniqueFd& stream : streams) (void)!::read(stream.get(), bytes.data(), bytes.size());
  }
}

void ListenToAll(const std::string& path) {
  const auto listeners = OpenMany(path, kListeners);
  const UniqueFd epoll(CheckSyscall(::epoll_create1(EPOLL_CLOEXEC), "epoll"));
  for (const UniqueFd& listener : listeners) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = listener.get()}};
    CheckSyscall(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, listener.get(), &event), "epoll_ctl");
  }
  std::array<char, 4096> lines{};
  std::array<epoll_event, 64> events{};
  for (;;) {
    const int ready = ::epoll_wait(epoll.get(), events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      (void)!::read(events[static_cast<size_t>(i)].data.fd, lines.data(), lines.size());
    }
  }
}

}  // namespace

std::vector<Row> BenchmarkStreamWaiting(const Context& context) {
  const std::chrono::milliseconds window(context.quick ? 300 : 5000);
  std::vector<Row> rows;
  const Daemon daemon(context, {FullHdDevice(kBuffers)}, "allow_other");
  const mount_test::Device device = daemon.device();
  const std::array<Attack, 5> attacks = {
      {{"alone", [] { ::pause(); }},
       {"400 readers stop in stream.y4m", [&] { StopInStreams(device.Path("stream.y4m")); }},
       {"400 readers stop in stream-lossless.raw",
        [&] { StopInStreams(device.Path("stream-lossless.raw")); }},
       {"stream.y4m is read flat out", [&] { ReadStreams(device.Path("stream.y4m")); }},
       {"1000 polled events", [&] { ListenToAll(device.Path("events")); }}}};
  device.Set("state", "start");
  (void)mount_test::WaitUntil([&] { return mount_test::Exists(device.latest()); });
  std::array<char, 4096> bytes{};
  const auto look = [&] {
    const UniqueFd frame(::open(device.latest().c_str(), O_RDONLY | O_CLOEXEC));
    if (frame.valid()) Use(::pread(frame.get(), bytes.data(), bytes.size(), 0));
  };
  for (const Attack& attack : attacks) {
    Attacker attacker(attack.work);
    (void)Worst(look, window / 5);  // he needs time to begin
    const uint64_t before = DroppedFrames(device);
    const double worst = Worst(look, window);
    attacker.RequireAtWork();
    rows.push_back({"streams, " + attack.name + ": worst wait of a bystander", worst * 1e3, "ms",
                    AtMost(50),
                    std::to_string(DroppedFrames(device) - before) + " frames dropped, daemon " +
                        std::to_string(daemon.ResidentBytes() >> 20) + " MiB"});
  }
  device.Stop();
  return rows;
}

}  // namespace grabfs::bench
