// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/daemon.h"

#include <signal.h>
#include <sys/mount.h>

#include <cerrno>
#include <ctime>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "fusefs/base/error.h"
#include "tests/mount/support/file.h"
#include "tests/mount/support/wait.h"

namespace grabfs::bench {
namespace {

std::vector<std::string> CommandLine(const std::string& grabfs,
                                     const std::vector<std::string>& devices,
                                     const std::string& options, const std::string& mountpoint) {
  std::vector<std::string> command = {grabfs, "-f"};
  if (!options.empty()) command.insert(command.end(), {"-o", options});
  for (const std::string& device : devices) command.insert(command.end(), {"--device", device});
  command.push_back(mountpoint);
  return command;
}

}  // namespace

std::string FullHdDevice(unsigned buffers) {
  return "cam0=pattern,width=1920,height=1080,format=BGR4,rate=60,state=stopped,buffers=" +
         std::to_string(buffers);
}

void CaptureFor(const mount_test::Device& device, std::chrono::milliseconds time) {
  device.Set("state", "start");
  std::this_thread::sleep_for(time);
  device.Stop();
}

uint64_t DroppedFrames(const mount_test::Device& device) {
  return device.Status().at("counters").at("dropped").get<uint64_t>();
}

Daemon::Daemon(const Context& context, const std::vector<std::string>& devices,
               const std::string& options)
    : mountpoint_(context.scratch.MakeMountpoint()),
      process_(CommandLine(context.grabfs, devices, options, mountpoint_)) {
  AwaitMount();
}

Daemon::~Daemon() {
  process_.Signal(SIGTERM);
  try {
    process_.Wait();
  } catch (const std::exception&) {
    // It hangs: Process kills it, and a mount without a daemon must not meet the next benchmark.
    ::umount2(mountpoint_.c_str(), MNT_DETACH);
  }
}

void Daemon::AwaitMount() {
  const bool settled = mount_test::WaitUntil([this] {
    return process_.Poll().has_value() || mount_test::Exists(mountpoint_ + "/status.json");
  });
  if (process_.Poll()) throw std::runtime_error("grabfs does not mount: " + process_.err());
  if (!settled) throw std::runtime_error("grabfs does not answer");
}

nlohmann::json Daemon::Status() const {
  return nlohmann::json::parse(mount_test::ReadText(mountpoint_ + "/status.json"));
}

double CpuSecondsOf(pid_t process) {
  clockid_t clock{};
  const int error = ::clock_getcpuclockid(process, &clock);
  if (error != 0) throw Error(error, "CPU clock of a process: " + ErrnoText(error));
  timespec used{};
  CheckSyscall(::clock_gettime(clock, &used), "CPU time of a process");
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

uint64_t Daemon::ResidentBytes() const {
  std::istringstream rollup(
      mount_test::ReadText("/proc/" + std::to_string(process_.pid()) + "/smaps_rollup"));
  for (std::string line; std::getline(rollup, line);) {
    if (line.starts_with("Rss:")) return std::stoull(line.substr(4)) * 1024;
  }
  throw Error(ENOENT, "smaps_rollup of the daemon has no Rss");
}

}  // namespace grabfs::bench
