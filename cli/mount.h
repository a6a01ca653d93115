// SPDX-License-Identifier: Apache-2.0
//
// A grabfs mount, seen through its files.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/device.h"
#include "cli/status.h"

namespace grabfs::cli {

class Mount {
 public:
  explicit Mount(std::filesystem::path root);

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }

  // Throw NoDeviceError when this is no grabfs mount, or one whose daemon is gone.
  [[nodiscard]] nlohmann::json StatusJson() const;
  [[nodiscard]] MountStatus Status() const;
  [[nodiscard]] std::vector<Device> Devices() const;

  // The device of that name, or the only one when `name` is empty. Throws NoDeviceError that lists
  // the names there are, UsageError when a name is needed.
  [[nodiscard]] Device FindDevice(const std::string& name) const;

 private:
  std::filesystem::path root_;
};

}  // namespace grabfs::cli
