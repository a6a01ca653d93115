// SPDX-License-Identifier: Apache-2.0
//
// From the moment a frame is complete until a reader of the ring holds it: one that looks again and
// again, against a cache line that two processors pass to each other and back; one that sleeps,
// against a bare futex. And the system calls that a frame takes.
#include <linux/futex.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <thread>

#include "cli/lib/ring_reader.h"
#include "fusefs/base/error.h"
#include "grabfs/grabfs.hpp"
#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/bench/ring_client.h"

namespace grabfs::bench {
namespace {

constexpr uint64_t kWaitNs = 1'000'000'000;
// Shorter than the time between two frames.
constexpr std::chrono::milliseconds kRest{5};
std::string DeviceAt(int rate) {
  return "cam0=pattern,format=GREY,width=64,height=64,state=stopped,rate=" + std::to_string(rate);
}

double AgeOf(const grabfs_ring_frame& frame) {
  return static_cast<double>(MonotonicNs() - frame.timestamp_ns) / 1e9;
}

// --- Side by side: what the machine itself takes

// A word that two threads pass to each other and back.
class CacheLine {
 public:
  CacheLine() : thread_([this] { Run(); }) {}
  ~CacheLine() {
    word_ = kStop;
    thread_.join();
  }
  CacheLine(const CacheLine&) = delete;
  CacheLine& operator=(const CacheLine&) = delete;

  // Of one round trip: the mean of many, because one is as short as reading a clock.
  double TimeRoundTrip() {
    constexpr uint32_t kRounds = 1000;
    const double all = Seconds([this] {
      for (uint32_t round = 0; round < kRounds; ++round) {
        word_.store(kThere, std::memory_order_seq_cst);
        while (word_.load(std::memory_order_seq_cst) != kBack) {
        }
      }
    });
    return all / kRounds;
  }

 private:
  enum : uint32_t { kBack, kThere, kStop };

  void Run() {
    for (;;) {
      const uint32_t seen = word_.load(std::memory_order_seq_cst);
      if (seen == kStop) return;
      if (seen == kThere) word_.store(kBack, std::memory_order_seq_cst);
    }
  }

  alignas(64) std::atomic<uint32_t> word_ = kBack;
  std::thread thread_;
};

// A thread that sleeps on a word of its own and notes how long ago it was woken.
class Sleeper {
 public:
  Sleeper() : thread_([this] { Run(); }) {}
  ~Sleeper() {
    stop_ = true;
    Wake();
    thread_.join();
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  // From before it is woken until it runs.
  double TimeWake() {
    age_ns_ = 0;
    Wake();
    while (age_ns_ == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
    return static_cast<double>(age_ns_) / 1e9;
  }

 private:
  void Futex(int operation, uint32_t value) {
    ::syscall(SYS_futex, &word_, operation, value, nullptr, nullptr, 0);
  }
  void Wake() {
    woken_ns_ = MonotonicNs();
    word_ = 0;
    Futex(FUTEX_WAKE, 1);
  }
  void Run() {
    for (;;) {
      word_ = 1;
      if (stop_) return;
      while (word_ == 1) Futex(FUTEX_WAIT, 1);
      age_ns_ = MonotonicNs() - woken_ns_;
    }
  }

  std::atomic<uint32_t> word_ = 0;
  std::atomic<uint64_t> woken_ns_ = 0;
  std::atomic<uint64_t> age_ns_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// --- The rows

Row PollingReader(const Context& context, int rate) {
  const Daemon daemon(context, {DeviceAt(rate)});
  RingClient client(daemon.device());
  std::vector<double> ages;
  std::vector<double> round_trips;
  const int frames = 40 * context.pairs;
  daemon.device().Set("state", "start");
  uint64_t from = 0;
  for (int frame = 0; frame < frames; ++frame) {
    grabfs_ring_frame held{};
    int error = 0;
    do {
      error = grabfs_ring_hold_next(client.reader(), 0, from, &held);
    } while (error == -EAGAIN || error == -EBUSY);
    if (error != 0) throw Error(-error, "holding the next frame");
    const double age = AgeOf(held);
    grabfs_ring_release(client.reader(), 0);
    // One that was there before anybody looked tells nothing.
    if (held.sequence == from) ages.push_back(age);
    from = held.sequence + 1;
    if (frame % 40 == 0) {
      round_trips.push_back(CacheLine().TimeRoundTrip());
      from = daemon.device().NextSequence();
    }
  }
  const double round_trip = Median(round_trips);
  const double age = Median(ages);
  return {"ring: frame complete to a polling reader that holds it, at " + std::to_string(rate) +
              " frames/s: cache-line round trips",
          age / round_trip, "x", AtMost(2),
          FormatSeconds(age) + ", round trip " + FormatSeconds(round_trip)};
}

Row BlockedReader(const Context& context) {
  const Daemon daemon(context, {DeviceAt(100)});
  RingClient client(daemon.device());
  Sleeper sleeper;
  std::vector<double> ages;
  std::vector<double> wakes;
  const int frames = 20 * context.pairs;
  daemon.device().Set("state", "start");
  for (int frame = 0; frame < frames; ++frame) {
    const grabfs_ring_seen seen = grabfs_ring_look(client.reader());
    if (grabfs_ring_wait(client.reader(), seen, kWaitNs) != 0) continue;
    grabfs_ring_frame held{};
    if (grabfs_ring_hold_newest(client.reader(), 0, &held) != 0) continue;
    ages.push_back(AgeOf(held));
    grabfs_ring_release(client.reader(), 0);
    std::this_thread::sleep_for(kRest);
    wakes.push_back(sleeper.TimeWake());
  }
  if (ages.empty()) throw Error(ETIMEDOUT, "no frame woke the reader");
  const double wake = Median(wakes);
  const double age = Median(ages);
  return {"ring: frame complete to a blocked reader that holds it / a bare futex", age / wake, "x",
          AtMost(1.3), FormatSeconds(age) + ", futex " + FormatSeconds(wake)};
}

// In the child: each system call of the loop is seen by the parent.
[[noreturn]] void ReadTraced(const std::string& path, bool waits, int frames) {
  grabfs::Device camera(path);
  Use(camera.Next().has_value());
  ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  ::raise(SIGSTOP);
  constexpr grabfs::Device::Timeout kNow{0};
  for (int frame = 0; frame < frames;) {
    if (waits ? camera.Next().has_value() : camera.Next(kNow).has_value()) ++frame;
  }
  ::raise(SIGSTOP);
  ::_exit(0);
}

// How many system calls a process makes between its two stops.
int CountSystemCalls(const std::string& path, bool waits, int frames) {
  const pid_t child = CheckSyscall(::fork(), "fork");
  if (child == 0) ReadTraced(path, waits, frames);
  int status = 0;
  CheckSyscall(::waitpid(child, &status, 0), "waitpid");
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  int stops = 0;
  for (;;) {
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    CheckSyscall(::waitpid(child, &status, 0), "waitpid");
    if (!WIFSTOPPED(status) || WSTOPSIG(status) == SIGSTOP) break;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) ++stops;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  // Each has two stops. The raise() of the second SIGSTOP is seen up to its entry's end, with the
  // calls that find out whom to stop.
  return stops / 2;
}

Row SystemCalls(const Context& context, bool waits) {
  const Daemon daemon(context, {"cam0=pattern,width=1920,height=1080,rate=60,state=stopped"});
  daemon.device().Set("state", "start");
  const int frames = context.quick ? 20 : 120;
  const double calls = CountSystemCalls(daemon.device().Path(""), waits, frames);
  return {std::string("ring: system calls for each frame at 1080p60, by libgrabfs, ") +
              (waits ? "waiting" : "polling"),
          std::round(calls / frames * 10) / 10, "", AtMost(waits ? 1.1 : 0.1), ""};
}

}  // namespace

std::vector<Row> BenchmarkRingLatency(const Context& context) {
  return {PollingReader(context, 100), PollingReader(context, 1000), BlockedReader(context),
          SystemCalls(context, true), SystemCalls(context, false)};
}

}  // namespace grabfs::bench
