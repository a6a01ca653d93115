// SPDX-License-Identifier: Apache-2.0
//
// Finds the mount and the device for a command: the arguments that nearly every verb has, and the
// rules by which they may be omitted.
#pragma once

#include <string>
#include <vector>

#include "cli/base/context.h"
#include "cli/command/options.h"
#include "cli/mount/device.h"
#include "cli/mount/mount.h"

namespace grabfs::cli {

class Target {
 public:
  void DeclareMount(Options& options);
  void DeclareDevice(Options& options);
  // For verbs that show all if no device is named.
  void DeclareDevices(Options& options);

  // --mount, else $GRABFS_MOUNT, else the only living mount. Throws NoDeviceError when there is
  // none, UsageError when there are several.
  [[nodiscard]] Mount FindMount(const Context& context) const;
  // The named mount, or all mounts whose daemons live (possibly none).
  [[nodiscard]] std::vector<Mount> FindMounts(const Context& context) const;
  // The same, but throws NoDeviceError when there is none.
  [[nodiscard]] std::vector<Mount> RequireMounts(const Context& context) const;
  // The device of that directory, or of that name in the named mount, else in any; or the only one.
  // Throws NoDeviceError, UsageError when several are meant.
  [[nodiscard]] Device FindDevice(const Context& context) const;
  // The same, or all of the named mount, else of all.
  [[nodiscard]] std::vector<Device> FindDevices(const Context& context) const;

  // For verbs where the first argument may be the device or something else.
  [[nodiscard]] const std::string& device() const { return device_; }
  void set_device(const std::string& name) { device_ = name; }

 private:
  [[nodiscard]] std::string NamedMount(const Context& context) const;

  std::string mount_;
  std::string device_;
};

}  // namespace grabfs::cli
