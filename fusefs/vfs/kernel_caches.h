// SPDX-License-Identifier: Apache-2.0
//
// Invalidates what the kernel has cached of a device's files when something happens to the device.
// Pool::notes says what the kernel may have cached; the rest is not invalidated, which saves the
// calls.
//
// Threads: see DeviceObserver. No function is called after all devices have ended.
#pragma once

#include <cstdint>
#include <span>

#include "fusefs/vfs/kernel.h"
#include "fusefs/vfs/mount.h"

namespace grabfs {

class KernelCaches : public DeviceObserver {
 public:
  explicit KernelCaches(Mount& mount) : mount_(mount) {}

  // A name in frames/ has appeared or gone.
  static void FramesChanged(Kernel& kernel, DeviceNode& node);
  // The device's directory watchers shall see it.
  static void Announce(Kernel& kernel, const DeviceNode& node, uint64_t sequence,
                       Kernel::Announcement what);

  // DeviceObserver
  void OnFrameGone(const Device& device, uint64_t sequence, uint32_t notes) override;
  void OnPoolReplaced(const Device& device, Pool& old,
                      std::span<const uint64_t> sequences) override;
  void OnRefilled(const Device& device, Pool& pool, uint32_t slot) override;
  void OnFillEnded(const Device& device, Pool& pool, uint32_t slot) override;
  void OnRecheckNeeded(const Device& device) override;
  void OnUndecided(const Device& device, Pool& pool, uint32_t slot) override;
  void OnRenewed(const Device& device, Pool& pool, uint32_t slot) override;
  void OnUnplugged(const Device& device) override;

 private:
  Mount& mount_;
};

}  // namespace grabfs
