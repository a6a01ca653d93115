// SPDX-License-Identifier: Apache-2.0
//
// Work that is done from time to time: it finds out whether closed frames are still mapped, has
// buffers renewed that were put aside, shows written pictures on output devices, and removes
// unplugged devices.
//
// Threads: one at a time (the housekeeping thread); FlushOutput(): any.
#pragma once

#include <chrono>
#include <optional>

#include "fusefs/vfs/mount.h"

namespace grabfs {

class Housekeeper {
 public:
  using Time = std::chrono::milliseconds;

  explicit Housekeeper(Mount& mount) : mount_(mount) {}

  // Returns after which time it must be called again; nullopt: not before the next
  // WakeHousekeeper(). May take milliseconds; holds no lock meanwhile.
  std::optional<Time> Run();

  // Shows the written buffers of an output device. `always`: also those that were not written as
  // far as the daemon knows.
  void FlushOutput(const DeviceNode& node, bool always);

 private:
  // These three return true if they must be called again soon.
  bool KeepDevice(DeviceNode& node);
  // Finds out which frames are mapped though closed. True: some are.
  bool RecheckMapped(const DeviceNode& node, Pool& pool);
  // Has buffers renewed that were put aside. True: there are some.
  bool RenewAside(const DeviceNode& node, Pool& pool);
  void RemoveDevice(const NodePtr& node);
  // Output: shows written buffers when it is time. Returns when to call it again.
  std::optional<Time> WriteBack(DeviceNode& node);

  Mount& mount_;
};

}  // namespace grabfs
