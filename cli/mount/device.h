// SPDX-License-Identifier: Apache-2.0
//
// One device of a mount, accessed through its files. It has no open descriptor and caches nothing:
// each call reads the mount.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/base/file.h"
#include "cli/mount/status.h"

namespace grabfs::cli {

class Device {
 public:
  Device(const std::filesystem::path& mount, std::string name);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  // What the device has under `name`.
  [[nodiscard]] MountFile File(const std::filesystem::path& name) const {
    return {directory_.parent_path(), name_ / name};
  }
  // frames/00000042.raw, or frames.FORM/00000042.FORM, whether it exists or not.
  [[nodiscard]] std::filesystem::path FramePath(uint64_t sequence,
                                                const std::string& form = "") const;

  // All throw NoDeviceError when the device is not (or no longer) in the mount.
  [[nodiscard]] nlohmann::json StatusJson() const;
  [[nodiscard]] DeviceStatus Status() const;
  // The frames that are in buffers now, oldest first.
  [[nodiscard]] std::vector<uint64_t> FrameSequences() const;

  // Its name, or its directory if `all` has another device of that name.
  [[nodiscard]] std::string NameAmong(const std::vector<Device>& all) const;
  // What can be set: attributes by the modes of their files, and controls; in alphabetical order,
  // attributes first. None if the device has gone.
  [[nodiscard]] std::vector<std::string> SettingNames() const;
  // Values that a setting takes, as far as they are a known set: formats, policies, states, the
  // entries of a control's menu.
  [[nodiscard]] std::vector<std::string> KnownValues(const std::string& setting) const;
  // Reads an attribute, or a control of that name. Throws Error.
  [[nodiscard]] std::string Get(const std::string& setting) const;
  // Writes an attribute, or a control of that name. If the device refuses, the Error has the reason
  // from status.json, or says what to do.
  void Set(const std::string& attribute, const std::string& value) const;

 private:
  [[nodiscard]] MountFile SettingFile(const std::string& name) const;
  [[nodiscard]] std::string Refusal(const std::string& attribute, const std::string& value,
                                    int code) const;

  std::string name_;
  std::filesystem::path directory_;
};

}  // namespace grabfs::cli
