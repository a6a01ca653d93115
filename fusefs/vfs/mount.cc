// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/mount.h"

#include <cerrno>
#include <utility>

#include "fusefs/alloc/device_storage.h"
#include "fusefs/alloc/memfd_storage.h"
#include "fusefs/base/clock.h"
#include "fusefs/vfs/mapping_scan.h"

namespace grabfs {

Mount::Mount(Options the_options)
    : options(std::move(the_options)),
      mounted_at_ns(RealtimeNs()),
      hold_limit(options.hold_percent, options.uid),
      open_limit(options.uid),
      store(StoreOptions()),
      pages_in_flight(*this) {}

alloc::Store::Options Mount::StoreOptions() {
  return {
      .limits = options.alloc_limits,
      .mapped_by_others = [this](uint64_t serial,
                                 const Caller& caller) { return MappedByOthers(serial, caller); },
      .make_storage = [this](const std::string& device,
                             const std::string& name) { return MakeStorage(device, name); },
      .on_orphan = [this] { kernel->WakeHousekeeper(); }};
}

std::unique_ptr<alloc::Storage> Mount::MakeStorage(const std::string& device,
                                                   const std::string& name) {
  if (device.empty()) return alloc::MakeMemfdStorage(name);
  const NodePtr node = devices.Named(device);
  if (!node || node->device->state().gone()) throw Error(ENODEV, device + ": no such device");
  const auto& allocator = node->device->allocator();
  return allocator ? alloc::MakeDeviceStorage(allocator, name) : alloc::MakeMemfdStorage(name);
}

bool Mount::MappedByOthers(uint64_t serial, const Caller& caller) {
  const auto inodes = ScanMappings(kernel->device_number(), caller.pid);
  return !inodes || inodes->contains(Inode{kMountItself, NodeKind::kAllocFile, serial}.number());
}

}  // namespace grabfs
