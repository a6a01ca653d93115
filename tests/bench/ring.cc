// SPDX-License-Identifier: Apache-2.0
//
// Frames without system calls (docs/ring.md): what a reader's hold costs, and what readers cost
// capture. Times are of the thread's own processor time: there may be more threads than processors.
#include "fusefs/ring/ring.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/lib/ring_reader.h"
#include "fusefs/base/error.h"
#include "grabfs/grabfs.hpp"
#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/bench/ring_client.h"
#include "tests/mount/support/file.h"

namespace grabfs::bench {
namespace {

constexpr int kHolds = 200'000;
constexpr int kFills = 20'000;
constexpr double kNs = 1e9;

double ThreadSeconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / kNs;
}

// Of one hold of the newest frame and its release.
double TimeHold(grabfs_ring_reader* reader) {
  grabfs_ring_frame frame{};
  const double begin = ThreadSeconds();
  for (int round = 0; round < kHolds; ++round) {
    Use(grabfs_ring_hold_newest(reader, 0, &frame));
    grabfs_ring_release(reader, 0);
  }
  return (ThreadSeconds() - begin) / kHolds;
}

Row HoldAlone(const Context& context) {
  const Daemon daemon(context,
                      {"cam0=pattern,format=GREY,width=64,height=64,rate=0,state=stopped"});
  daemon.device().Capture(2);
  RingClient client(daemon.device());
  std::vector<double> times;
  for (int pair = 0; pair < context.pairs; ++pair) times.push_back(TimeHold(client.reader()));
  return {"ring: hold the newest frame and let go", Median(times) * kNs, "ns", AtMost(50), ""};
}

Row HoldByTheLibrary(const Context& context) {
  const Daemon daemon(context,
                      {"cam0=pattern,format=GREY,width=64,height=64,rate=0,state=stopped"});
  daemon.device().Capture(2);
  grabfs_device* camera = nullptr;
  const int error = grabfs_open(daemon.device().Path("").c_str(), &camera);
  if (error != 0) throw Error(-error, grabfs_reason());
  const std::unique_ptr<grabfs_device, void (*)(grabfs_device*)> closed(camera, grabfs_close);
  std::vector<double> times;
  for (int pair = 0; pair < context.pairs; ++pair) {
    const double begin = ThreadSeconds();
    for (int round = 0; round < kHolds; ++round) {
      const grabfs_frame* frame = nullptr;
      Use(grabfs_newest(camera, 0, &frame));
      grabfs_release(frame);
    }
    times.push_back((ThreadSeconds() - begin) / kHolds);
  }
  return {"ring: the same by libgrabfs", Median(times) * kNs, "ns", AtMost(50), ""};
}

Row HoldInACrowd(const Context& context) {
  constexpr int kReaders = 4;
  const Daemon daemon(context,
                      {"cam0=pattern,format=GREY,width=64,height=64,rate=10000,state=stopped"});
  daemon.device().Set("state", "start");
  std::vector<double> times(static_cast<size_t>(kReaders * context.pairs));
  std::vector<std::thread> threads;
  for (int number = 0; number < kReaders; ++number) {
    threads.emplace_back([&, number] {
      RingClient client(daemon.device());
      for (int pair = 0; pair < context.pairs; ++pair) {
        times[static_cast<size_t>(number * context.pairs + pair)] = TimeHold(client.reader());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return {"ring: the same, 4 readers, 10,000 frames/s", Median(times) * kNs, "ns", AtMost(200), ""};
}

std::shared_ptr<void> Zeroed(size_t bytes) {
  constexpr size_t kPage = 4096;
  const size_t rounded = (bytes + kPage - 1) / kPage * kPage;
  void* const memory = std::aligned_alloc(kPage, rounded);
  std::fill_n(static_cast<char*>(memory), rounded, 0);
  return {memory, [](void* all) { std::free(all); }};
}

// Of one frame of a ring that has so many readers, none of whom waits.
double TimeFill(int readers) {
  constexpr uint32_t kSlots = 8;
  Ring ring({.slots = kSlots});
  const auto file = ring.Share(std::make_shared<RingFile>(
      Zeroed(RingFile::Bytes(kSlots)), RingFile::Shape{.inodes = std::vector<uint64_t>(kSlots)},
      std::make_shared<std::atomic<uint64_t>>(0)));
  std::vector<std::unique_ptr<RingFile::Reader>> pages;
  for (int count = 0; count < readers; ++count) {
    pages.push_back(file->AddReader(Zeroed(sizeof(grabfs_hold_page)), GRABFS_HOLD_WORDS));
  }
  const double begin = ThreadSeconds();
  for (uint64_t sequence = 0; sequence < kFills; ++sequence) {
    ring.Complete(ring.BeginFill()->slot, {.sequence = sequence});
    ring.WakeReaders();
  }
  return (ThreadSeconds() - begin) / kFills;
}

Row CostForCapture(const Context& context) {
  constexpr int kReaders = 16;
  const Comparison times = Compare(
      context.pairs, [] { return TimeFill(kReaders); }, [] { return TimeFill(0); });
  return {"ring: capture's cost for each reader and frame", times.difference / kReaders * kNs, "ns",
          AtMost(20), BothSides(times, "without readers")};
}

// A reader that waits for each frame, until `stop`.
using Follow = void (*)(const mount_test::Device& device, const std::atomic<bool>& stop);

void FollowRing(const mount_test::Device& device, const std::atomic<bool>& stop) {
  grabfs::Device camera(device.Path(""));
  while (!stop) Use(camera.Next().has_value());
}

void FollowStream(const mount_test::Device& device, const std::atomic<bool>& stop) {
  const UniqueFd stream = mount_test::Open(device.Path("stream.raw"), O_RDONLY);
  std::vector<char> frame(64 * 64);
  while (!stop) Use(::read(stream.get(), frame.data(), frame.size()));
}

// Of the daemon, for a frame of a fast device that has four such readers.
double DaemonCpu(const Context& context, Follow follow) {
  const Daemon daemon(context,
                      {"cam0=pattern,format=GREY,width=64,height=64,rate=10000,state=stopped"});
  const mount_test::Device device = daemon.device();
  device.Set("state", "start");
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 4; ++reader) {
    readers.emplace_back([&] { follow(device, stop); });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double before = daemon.CpuSeconds();
  const uint64_t first = device.NextSequence();
  std::this_thread::sleep_for(std::chrono::milliseconds(context.quick ? 200 : 1000));
  const double cpu = (daemon.CpuSeconds() - before) /
                     static_cast<double>(std::max<uint64_t>(1, device.NextSequence() - first));
  stop = true;
  for (std::thread& reader : readers) reader.join();
  return cpu;
}

Row CostOfFourReaders(const Context& context) {
  const Comparison cpu = Compare(
      std::max(1, context.pairs / 3), [&] { return DaemonCpu(context, FollowRing); },
      [&] { return DaemonCpu(context, FollowStream); });
  return {"ring: the daemon's CPU with 4 readers, 10,000 frames/s / stream.raw", cpu.ratio, "x",
          AtMost(0.5), BothSides(cpu, "stream.raw") + " a frame"};
}

}  // namespace

std::vector<Row> BenchmarkRing(const Context& context) {
  return {HoldAlone(context), HoldByTheLibrary(context), HoldInACrowd(context),
          CostForCapture(context), CostOfFourReaders(context)};
}

}  // namespace grabfs::bench
