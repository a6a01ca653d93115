// SPDX-License-Identifier: Apache-2.0
//
// A grabfs mount, accessed through its files.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/mount/device.h"
#include "cli/mount/status.h"

namespace grabfs::cli {

// Those of the mount at `root` that said this of itself.
std::vector<Device> DevicesOf(const std::filesystem::path& root, const MountStatus& status);

class Mount {
 public:
  explicit Mount(std::filesystem::path root);

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }

  // Throw NoDeviceError if this is no grabfs mount, or if its daemon is gone.
  [[nodiscard]] nlohmann::json StatusJson() const;
  [[nodiscard]] MountStatus Status() const;
  [[nodiscard]] std::vector<Device> Devices() const;

  // The device of that name, or the only one if `name` is empty. Throws NoDeviceError with a list
  // of the names, UsageError if a name is necessary.
  [[nodiscard]] Device FindDevice(const std::string& name) const;
  // The same, of a mount that said this of itself.
  [[nodiscard]] Device FindDevice(const MountStatus& status, const std::string& name) const;

 private:
  std::filesystem::path root_;
};

}  // namespace grabfs::cli
