// SPDX-License-Identifier: Apache-2.0
//
// A running daemon with its mount. The constructor returns when the mount answers. Unmount(), or
// the destructor, stops the daemon and checks that it exited normally and left nothing behind.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/mount/support/device.h"
#include "tests/mount/support/process.h"

namespace grabfs::mount_test {

struct MountSpec {
  // NAME=SOURCE,key=value...
  std::vector<std::string> devices;
  // Options for -o, in addition to those of the active data path.
  std::vector<std::string> options;
};

// The command line that mounts `spec` in the foreground.
std::vector<std::string> MountCommand(const MountSpec& spec, const std::string& mountpoint);

// Is something mounted exactly there, as this process sees it?
bool IsMounted(const std::string& mountpoint);
// Detaches a mount, whether its daemon lives or not.
void ForceUnmount(const std::string& mountpoint);

class Mount {
 public:
  // Throws std::runtime_error with the daemon's output if it fails.
  explicit Mount(const MountSpec& spec);
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;
  // Always ends the daemon and the mount; failures of Unmount() become test failures.
  ~Mount();

  [[nodiscard]] const std::string& path() const { return mountpoint_; }
  [[nodiscard]] std::string Path(const std::string& name) const { return mountpoint_ + "/" + name; }
  [[nodiscard]] Device GetDevice(const std::string& name = "sim0") const {
    return Device(Path(name));
  }
  [[nodiscard]] nlohmann::json Status() const;
  [[nodiscard]] Process& daemon() { return *daemon_; }

  // Sends SIGTERM and checks the result: exit status 0, no mount, no report of a sanitizer.
  void Unmount();
  // For tests that end the daemon themselves: removes everything, and checks nothing.
  void Abandon();

 private:
  void AwaitAnswer();

  std::string mountpoint_;
  std::unique_ptr<Process> daemon_;
};

}  // namespace grabfs::mount_test
