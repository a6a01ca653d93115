// SPDX-License-Identifier: Apache-2.0
#include "cli/command/target.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iterator>
#include <utility>

#include "cli/base/exit_code.h"
#include "cli/base/text.h"
#include "cli/mount/mount_table.h"

namespace grabfs::cli {
namespace {

bool IsAlive(const ExaminedMount& mount) { return mount.health == MountHealth::kAlive; }

// What can be done about it.
std::string Advice(const ExaminedMount& mount) {
  switch (mount.health) {
    case MountHealth::kStale:
      return ": 'grabfs-cli umount --stale' clears it";
    case MountHealth::kClosed:
      return ": mount it with -o allow_other";
    case MountHealth::kSilent:
      return ": 'grabfs-cli umount --lazy " + mount.mount.mountpoint + "' takes it away";
    case MountHealth::kBroken:
    case MountHealth::kAlive:
      return "";
  }
  return "";
}

// Leaves out the others, if some are trusted.
template <typename T, typename Trusted>
void PreferTrusted(std::vector<T>& candidates, Trusted trusted) {
  if (std::ranges::none_of(candidates, trusted)) return;
  std::erase_if(candidates, std::not_fn(trusted));
}

std::vector<std::string> MountpointsOf(const std::vector<ExaminedMount>& mounts) {
  std::vector<std::string> mountpoints;
  for (const ExaminedMount& mount : mounts) mountpoints.push_back(mount.mount.mountpoint);
  return mountpoints;
}

// Of the mounts that were found, which one of is meant by no name.
[[noreturn]] void ThrowNoMount(const std::vector<ExaminedMount>& found) {
  if (found.empty()) {
    throw NoDeviceError("no grabfs is mounted: 'grabfs-cli mount DIR' mounts one");
  }
  const ExaminedMount& mount = found.front();
  throw NoDeviceError(mount.mount.mountpoint + ": " + mount.problem + Advice(mount));
}

// By its path: /mnt/grabfs/cam0.
Device DeviceAt(const std::string& path) {
  std::filesystem::path directory = std::filesystem::absolute(path).lexically_normal();
  if (directory.filename().empty()) directory = directory.parent_path();
  return Mount(directory.parent_path()).FindDevice(directory.filename().string());
}

std::vector<Device> AllDevicesOf(const std::vector<ExaminedMount>& mounts) {
  std::vector<Device> devices;
  for (const ExaminedMount& mount : mounts) {
    std::ranges::move(DevicesOf(mount.mount.mountpoint, mount.status), std::back_inserter(devices));
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

std::vector<ExaminedMount> Target::FoundMounts(const Context& context) {
  return examiner_.Examine(GrabfsMounts(context.system));
}

// Closed and stale ones are the rule where others mount, too; what is odd is told.
void Target::Tell(const Context& context, const std::vector<ExaminedMount>& mounts) {
  for (const ExaminedMount& mount : mounts) {
    const bool odd = mount.health == MountHealth::kSilent || mount.health == MountHealth::kBroken;
    if (!odd || !told_.insert(mount.mount.mountpoint).second) continue;
    context.Remark(mount.mount.mountpoint + ": left out: " + mount.problem + Advice(mount));
  }
}

Mount Target::FindMount(const Context& context) {
  if (const std::string named = NamedMount(context); !named.empty()) return Mount(named);
  std::vector<ExaminedMount> living = MountsToUse(context);
  PreferTrusted(living,
                [&](const ExaminedMount& mount) { return IsTrusted(mount.mount, context.user); });
  if (living.size() > 1) {
    throw UsageError("several grabfs are mounted (" + Join(MountpointsOf(living), ", ") +
                     "): choose one with --mount DIR or GRABFS_MOUNT=DIR");
  }
  return Mount(living.front().mount.mountpoint);
}

std::vector<ExaminedMount> Target::LivingMounts(const Context& context) {
  if (const std::string named = NamedMount(context); !named.empty()) {
    return {AskNamedMount(named)};
  }
  std::vector<ExaminedMount> mounts = FoundMounts(context);
  Tell(context, mounts);
  std::erase_if(mounts, std::not_fn(IsAlive));
  return mounts;
}

std::vector<ExaminedMount> Target::RequireMounts(const Context& context) {
  std::vector<ExaminedMount> mounts = LivingMounts(context);
  if (mounts.empty()) ThrowNoMount(FoundMounts(context));
  return mounts;
}

std::vector<ExaminedMount> Target::MountsToUse(const Context& context) {
  std::vector<ExaminedMount> mounts = RequireMounts(context);
  if (context.user != 0 || !NamedMount(context).empty()) return mounts;
  const std::string first = mounts.front().mount.mountpoint;
  std::erase_if(mounts,
                [&](const ExaminedMount& mount) { return !IsTrusted(mount.mount, context.user); });
  if (!mounts.empty()) return mounts;
  throw NoDeviceError(first + ": another user has mounted it, and root does not work on such a " +
                      "mount unless it is named: --mount " + first);
}

std::vector<ExaminedMount> Target::MountsToWatch(const Context& context) {
  if (device_.empty()) return RequireMounts(context);
  const Device device = FindDevice(context);
  ExaminedMount mount = AskNamedMount(device.directory().parent_path());
  std::erase_if(mount.status.devices,
                [&](const DeviceStatus& status) { return status.name != device.name(); });
  device_ = device.directory();
  return {std::move(mount)};
}

Device Target::FindDevice(const Context& context) {
  if (device_.find('/') != std::string::npos) return DeviceAt(device_);
  const std::vector<ExaminedMount> mounts = MountsToUse(context);
  if (mounts.size() == 1) {
    return Mount(mounts.front().mount.mountpoint).FindDevice(mounts.front().status, device_);
  }
  std::vector<Device> meant = AllDevicesOf(mounts);
  if (!device_.empty()) {
    std::erase_if(meant, [this](const Device& device) { return device.name() != device_; });
  }
  PreferTrusted(meant, [&](const Device& device) {
    return std::ranges::any_of(mounts, [&](const ExaminedMount& mount) {
      return device.directory().parent_path() == mount.mount.mountpoint &&
             IsTrusted(mount.mount, context.user);
    });
  });
  if (meant.size() == 1) return meant.front();
  if (meant.empty()) {
    throw NoDeviceError(device_.empty() ? "no mount has a device"
                                        : device_ + ": no such device in any mount");
  }
  std::vector<std::string> paths;
  for (const Device& device : meant) paths.push_back(device.directory().string());
  throw UsageError("which device? there are " + Join(paths, ", ") + ": name one like this");
}

}  // namespace grabfs::cli
