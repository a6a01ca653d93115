// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/mount.h"

#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/base/exit_code.h"
#include "cli/base/file.h"
#include "cli/base/text.h"

namespace grabfs::cli {

std::vector<Device> DevicesOf(const std::filesystem::path& root, const MountStatus& status) {
  std::vector<Device> devices;
  for (const DeviceStatus& device : status.devices) devices.emplace_back(root, device.name);
  return devices;
}

Mount::Mount(std::filesystem::path root) : root_(std::move(root)) {}

nlohmann::json Mount::StatusJson() const {
  const MountFile file{root_, "status.json"};
  try {
    return ParseJson(ReadFile(file), file.path().string());
  } catch (const Error& error) {
    if (error.code() != ENOENT && error.code() != ENOTDIR) throw;
    throw NoDeviceError(root_.string() + ": not a grabfs mount (it has no status.json)");
  }
}

MountStatus Mount::Status() const {
  return ParseMountStatus(StatusJson(), (root_ / "status.json").string());
}

std::vector<Device> Mount::Devices() const { return DevicesOf(root_, Status()); }

Device Mount::FindDevice(const std::string& name) const { return FindDevice(Status(), name); }

Device Mount::FindDevice(const MountStatus& status, const std::string& name) const {
  const std::vector<Device> devices = DevicesOf(root_, status);
  if (devices.empty()) throw NoDeviceError(root_.string() + ": this mount has no device");
  if (name.empty() && devices.size() == 1) return devices.front();
  std::vector<std::string> names;
  for (const Device& device : devices) {
    if (device.name() == name) return device;
    names.push_back(device.name());
  }
  const std::string there_are = root_.string() + " has " + Join(names, ", ");
  if (name.empty()) throw UsageError("which device? " + there_are);
  throw NoDeviceError(name + ": no such device; " + there_are);
}

}  // namespace grabfs::cli
