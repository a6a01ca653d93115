// SPDX-License-Identifier: Apache-2.0
//
// Finds the mount and the device for a command: the arguments that nearly every verb has, and the
// rules by which they may be omitted.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cli/base/context.h"
#include "cli/command/options.h"
#include "cli/mount/device.h"
#include "cli/mount/mount.h"
#include "cli/mount/mount_table.h"

namespace grabfs::cli {

class Target {
 public:
  void DeclareMount(Options& options);
  void DeclareDevice(Options& options);
  // For verbs that show all if no device is named.
  void DeclareDevices(Options& options);

  // --mount, else $GRABFS_MOUNT, else the only living mount. Throws NoDeviceError when there is
  // none, UsageError when there are several.
  [[nodiscard]] Mount FindMount(const Context& context);
  // The named mount, or all that answer (possibly none); the others are told of once.
  [[nodiscard]] std::vector<ExaminedMount> LivingMounts(const Context& context);
  // The same, but throws NoDeviceError when there is none.
  [[nodiscard]] std::vector<ExaminedMount> RequireMounts(const Context& context);
  // The same without other users' mounts, if it is root who named none.
  [[nodiscard]] std::vector<ExaminedMount> MountsToUse(const Context& context);
  // For verbs that look again and again: the mount of the device that is named, with that device
  // alone, or all. Throws NoDeviceError when there is none any more.
  [[nodiscard]] std::vector<ExaminedMount> MountsToWatch(const Context& context);
  // The device of that directory, or of that name in the named mount, else in any; or the only one.
  // Throws NoDeviceError, UsageError when several are meant.
  [[nodiscard]] Device FindDevice(const Context& context);

  // For verbs where the first argument may be the device or something else.
  [[nodiscard]] const std::string& device() const { return device_; }
  void set_device(const std::string& name) { device_ = name; }

 private:
  [[nodiscard]] std::string NamedMount(const Context& context) const;
  [[nodiscard]] std::vector<ExaminedMount> FoundMounts(const Context& context);
  void Tell(const Context& context, const std::vector<ExaminedMount>& mounts);

  MountExaminer examiner_;
  std::set<std::string> told_;  // the mount points that were said to be left out
  std::string mount_;
  std::string device_;
};

}  // namespace grabfs::cli
