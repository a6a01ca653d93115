// SPDX-License-Identifier: Apache-2.0
//
// What it costs that directory watchers see frames (announce=1): processor time of the daemon and
// of its process that makes and unlinks the names, for a frame, beyond that of a device that is
// silent. With nobody watching, and with somebody who takes the events.
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "fusefs/base/error.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/daemon.h"
#include "tests/bench/measure.h"
#include "tests/mount/support/file.h"
#include "tests/mount/support/wait.h"

namespace grabfs::bench {
namespace {

constexpr std::chrono::milliseconds kWindow{500};

// Takes the events of a directory as they come.
class Watcher {
 public:
  explicit Watcher(const std::string& directory)
      : fd_(CheckSyscall(::inotify_init1(IN_CLOEXEC), "inotify_init1")),
        watch_(CheckSyscall(::inotify_add_watch(fd_.get(), directory.c_str(),
                                                IN_CREATE | IN_CLOSE_WRITE | IN_DELETE),
                            "watch " + directory)),
        thread_([this] { Run(); }) {}
  ~Watcher() {
    stop_ = true;
    (void)::inotify_rm_watch(fd_.get(), watch_);  // that is an event, too
    thread_.join();
  }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

 private:
  void Run() {
    std::array<char, 4096> events;
    while (!stop_ && ::read(fd_.get(), events.data(), events.size()) > 0) {
    }
  }

  const UniqueFd fd_;
  const int watch_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// The daemon's process that announces; 0: there is none yet.
pid_t AnnouncerOf(pid_t daemon) {
  const std::string tasks = "/proc/" + std::to_string(daemon) + "/task";
  for (const std::string& task : mount_test::List(tasks)) {
    std::istringstream children(mount_test::ReadText(tasks + "/" + task + "/children"));
    for (pid_t child = 0; children >> child;) {
      const std::string command =
          mount_test::ReadText("/proc/" + std::to_string(child) + "/cmdline");
      if (command.starts_with("grabfs-announcer")) return child;
    }
  }
  return 0;
}

// Processor seconds for one frame.
double CostOf(const Daemon& daemon, bool announced) {
  const mount_test::Device device = daemon.device();
  device.Set("announce", announced ? "1" : "0");
  device.Capture(32);  // the names of the other side's frames have gone
  const pid_t announcer = AnnouncerOf(daemon.pid());
  if (announcer == 0) throw std::runtime_error("nobody announces");
  const uint64_t first = device.NextSequence();
  const double before = daemon.CpuSeconds() + CpuSecondsOf(announcer);
  CaptureFor(device, kWindow);
  const double used = daemon.CpuSeconds() + CpuSecondsOf(announcer) - before;
  return used / static_cast<double>(std::max<uint64_t>(1, device.NextSequence() - first));
}

Row Measure(const Context& context, bool watched) {
  const Daemon daemon(context, {"cam0=pattern,width=64,height=64,format=GREY,rate=200,buffers=8,"
                                "state=stopped,announce=1"});
  daemon.device().Capture(1);
  if (!mount_test::WaitUntil([&] { return AnnouncerOf(daemon.pid()) != 0; })) {
    throw std::runtime_error("nobody announces");
  }
  std::optional<Watcher> watcher;
  if (watched) watcher.emplace(daemon.device().Path("frames"));
  const Comparison cpu = Compare(
      context.pairs, [&] { return CostOf(daemon, true); }, [&] { return CostOf(daemon, false); });
  return {std::string("a frame that is announced, ") + (watched ? "watched" : "nobody watching") +
              ": processor of the daemon and its announcer",
          1000 * cpu.difference, "ms", AtMost(0.5), BothSides(cpu, "silent") + " for a frame"};
}

}  // namespace

std::vector<Row> BenchmarkAnnounce(const Context& context) {
  return {Measure(context, false), Measure(context, true)};
}

}  // namespace grabfs::bench
