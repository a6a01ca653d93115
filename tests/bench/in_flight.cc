// SPDX-License-Identifier: Apache-2.0
//
// What it costs that bytes on their way stay what they are: the daemon's processor time for a frame
// that somebody has mapped, read or sent off, beyond that for one that was only opened. It is spent
// in the background; the reader's own time is that of `read` and `map`.
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <thread>

#include "fusefs/base/error.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/mount/support/event_reader.h"
#include "tests/mount/support/file.h"

namespace grabfs::bench {
namespace {

constexpr unsigned kBuffers = 8;
constexpr int kFrames = 60;

using Action = std::function<void(int file, size_t bytes)>;

void Nothing(int /*file*/, size_t /*bytes*/) {}

void Map(int file, size_t bytes) {
  const mount_test::Mapping pixels(file, bytes);
  for (size_t offset = 0; offset < bytes; offset += 4096) Use(pixels.data()[offset]);
}

void Read(int file, size_t bytes) {
  static std::vector<std::byte> pixels;
  pixels.resize(bytes);
  CheckSyscall(::pread(file, pixels.data(), pixels.size(), 0), "read a frame");
}

// As a web server does; somebody at the other end takes it.
void SendOff(int file, size_t bytes) {
  std::array<int, 2> ends{};
  CheckSyscall(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  const UniqueFd client(ends[1]);
  UniqueFd server(ends[0]);
  std::thread receiver([&client] {
    std::vector<std::byte> part(1 << 18);
    while (::read(client.get(), part.data(), part.size()) > 0) {
    }
  });
  off_t from = 0;
  while (from < static_cast<off_t>(bytes) &&
         ::sendfile(server.get(), file, &from, bytes - static_cast<size_t>(from)) > 0) {
  }
  server.reset();
  receiver.join();
}

// Processor seconds of the daemon for one frame that is opened, and this done with it.
double CostOf(const Daemon& daemon, const Action& action) {
  const mount_test::Device device = daemon.device();
  mount_test::EventReader events(device);
  const auto bytes = device.Status().at("bytes").get<size_t>();
  const double before = daemon.CpuSeconds();
  for (int frame = 0; frame < kFrames; ++frame) {
    device.Set("trigger", "1");
    static_cast<void>(events.NextOf("frame"));
    action(mount_test::Open(device.latest(), O_RDONLY).get(), bytes);
  }
  return (daemon.CpuSeconds() - before) / kFrames;
}

Row Measure(const Context& context, const std::string& what, const Action& action, Target target) {
  const Daemon daemon(context, {FullHdDevice(kBuffers)});
  const Comparison cpu = Compare(
      context.pairs, [&] { return CostOf(daemon, action); },
      [&] { return CostOf(daemon, Nothing); });
  return {"a frame that was " + what + ": processor of the daemon, in the background",
          1000 * cpu.difference, "ms", target, BothSides(cpu, "opened only") + " for a frame"};
}

}  // namespace

std::vector<Row> BenchmarkInFlight(const Context& context) {
  return {Measure(context, "mapped", Map, AtMost(0.1)), Measure(context, "read", Read, AtMost(2)),
          Measure(context, "sent off", SendOff, AtMost(2))};
}

}  // namespace grabfs::bench
