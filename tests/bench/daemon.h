// SPDX-License-Identifier: Apache-2.0
//
// The real daemon, mounted for one benchmark, and what it costs.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/bench/benchmark.h"
#include "tests/mount/support/device.h"
#include "tests/mount/support/process.h"

namespace grabfs::bench {

// A full HD picture of the pattern source, not streaming, as a device of the command line.
std::string FullHdDevice(unsigned buffers);

// Has a device that is stopped capture for so long.
void CaptureFor(const mount_test::Device& device, std::chrono::milliseconds time);

// How many frames the device has lost for want of a buffer.
uint64_t DroppedFrames(const mount_test::Device& device);

// User and system time of all threads of a process, those that have ended included.
double CpuSecondsOf(pid_t process);

class Daemon {
 public:
  // Returns when the mount answers. `devices`: NAME=SOURCE,key=value... Throws with the daemon's
  // own words when it does not come up. `options`: of the mount, or none.
  Daemon(const Context& context, const std::vector<std::string>& devices,
         const std::string& options = "");
  // Unmounts; the daemon is gone afterwards.
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  [[nodiscard]] mount_test::Device device(const std::string& name = "cam0") const {
    return mount_test::Device(mountpoint_ + "/" + name);
  }
  [[nodiscard]] std::string Path(const std::string& name) const { return mountpoint_ + "/" + name; }
  [[nodiscard]] nlohmann::json Status() const;
  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  [[nodiscard]] double CpuSeconds() const { return CpuSecondsOf(pid()); }
  // Resident memory, the frame buffers (which it has mapped) included.
  [[nodiscard]] uint64_t ResidentBytes() const;

 private:
  void AwaitMount();

  std::string mountpoint_;
  mount_test::Process process_;
};

}  // namespace grabfs::bench
