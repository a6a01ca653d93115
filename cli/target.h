// SPDX-License-Identifier: Apache-2.0
//
// Which mount and which device a command means: the arguments that nearly every verb shares, and
// the rules by which they may be left out.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/device.h"
#include "cli/mount.h"
#include "cli/options.h"

namespace grabfs::cli {

class Target {
 public:
  void DeclareMount(Options& options);
  void DeclareDevice(Options& options);

  // --mount, else $GRABFS_MOUNT, else the only living mount. Throws NoDeviceError when there is
  // none, UsageError when there are several.
  [[nodiscard]] Mount FindMount(const Context& context) const;
  // The named mount, or all living ones (possibly none).
  [[nodiscard]] std::vector<Mount> FindMounts(const Context& context) const;
  // The named device, or the only one.
  [[nodiscard]] Device FindDevice(const Context& context) const;
  // The named device, or all of the mount.
  [[nodiscard]] std::vector<Device> FindDevices(const Context& context) const;

  // For verbs whose other arguments may stand in the device's place.
  [[nodiscard]] const std::string& device() const { return device_; }
  void set_device(const std::string& name) { device_ = name; }

 private:
  [[nodiscard]] std::string NamedMount(const Context& context) const;

  std::string mount_;
  std::string device_;
};

}  // namespace grabfs::cli
