// SPDX-License-Identifier: Apache-2.0
#include "cli/command/target.h"

#include <filesystem>
#include <utility>

#include "cli/base/exit_code.h"
#include "cli/base/text.h"
#include "cli/mount/mount_table.h"

namespace grabfs::cli {
namespace {

std::vector<std::string> LivingMounts(const Context& context) {
  std::vector<std::string> living;
  for (const MountInfo& entry : GrabfsMounts(context.system)) {
    if (ExamineMountpoint(entry.mountpoint) == MountHealth::kAlive) {
      living.push_back(entry.mountpoint);
    }
  }
  return living;
}

[[noreturn]] void ThrowNoMount(const Context& context) {
  const std::vector<MountInfo> mounts = GrabfsMounts(context.system);
  if (mounts.empty()) {
    throw NoDeviceError("no grabfs is mounted: 'grabfs-cli mount DIR' mounts one");
  }
  const std::string& mountpoint = mounts.front().mountpoint;
  if (ExamineMountpoint(mountpoint) == MountHealth::kStale) {
    throw NoDeviceError(mountpoint + ": the daemon of this mount is gone: " +
                        "'grabfs-cli umount --stale' clears it");
  }
  throw NoDeviceError(mountpoint + ": closed to this user: mount it with -o allow_other");
}

// By its path: /mnt/grabfs/cam0.
Device DeviceAt(const std::string& path) {
  std::filesystem::path directory = std::filesystem::absolute(path).lexically_normal();
  if (directory.filename().empty()) directory = directory.parent_path();
  return Mount(directory.parent_path()).FindDevice(directory.filename().string());
}

std::vector<Device> DevicesOf(const std::vector<Mount>& mounts) {
  std::vector<Device> devices;
  for (const Mount& mount : mounts) {
    for (Device& device : mount.Devices()) devices.push_back(std::move(device));
  }
  return devices;
}

}  // namespace

void Target::DeclareMount(Options& options) {
  options.Text("--mount", mount_, "DIR",
               "The mount point; else $GRABFS_MOUNT, else the only grabfs mount there is");
}

void Target::DeclareDevice(Options& options) {
  DeclareMount(options);
  options.Argument("DEVICE", device_,
                   "Its name, or its directory; may be left out when there is only one");
}

void Target::DeclareDevices(Options& options) {
  options.Text("--mount", mount_, "DIR", "The mount point; else $GRABFS_MOUNT, else all mounts");
  options.Argument("DEVICE", device_, "Its name, or its directory (default: all)");
}

std::string Target::NamedMount(const Context& context) const {
  return mount_.empty() ? context.environment("GRABFS_MOUNT") : mount_;
}

Mount Target::FindMount(const Context& context) const {
  if (const std::string named = NamedMount(context); !named.empty()) return Mount(named);
  const std::vector<std::string> living = LivingMounts(context);
  if (living.empty()) ThrowNoMount(context);
  if (living.size() > 1) {
    throw UsageError("several grabfs are mounted (" + Join(living, ", ") +
                     "): choose one with --mount DIR or GRABFS_MOUNT=DIR");
  }
  return Mount(living.front());
}

std::vector<Mount> Target::FindMounts(const Context& context) const {
  if (const std::string named = NamedMount(context); !named.empty()) return {Mount(named)};
  std::vector<Mount> mounts;
  for (const std::string& mountpoint : LivingMounts(context)) mounts.emplace_back(mountpoint);
  return mounts;
}

std::vector<Mount> Target::RequireMounts(const Context& context) const {
  std::vector<Mount> mounts = FindMounts(context);
  if (mounts.empty()) ThrowNoMount(context);
  return mounts;
}

Device Target::FindDevice(const Context& context) const {
  if (device_.find('/') != std::string::npos) return DeviceAt(device_);
  const std::vector<Mount> mounts = RequireMounts(context);
  if (mounts.size() == 1) return mounts.front().FindDevice(device_);
  std::vector<Device> meant = DevicesOf(mounts);
  if (!device_.empty()) {
    std::erase_if(meant, [this](const Device& device) { return device.name() != device_; });
  }
  if (meant.size() == 1) return meant.front();
  if (meant.empty()) {
    throw NoDeviceError(device_.empty() ? "no mount has a device"
                                        : device_ + ": no such device in any mount");
  }
  std::vector<std::string> paths;
  for (const Device& device : meant) paths.push_back(device.directory().string());
  throw UsageError("which device? there are " + Join(paths, ", ") + ": name one like this");
}

std::vector<Device> Target::FindDevices(const Context& context) const {
  if (!device_.empty()) return {FindDevice(context)};
  return DevicesOf(RequireMounts(context));
}

}  // namespace grabfs::cli
