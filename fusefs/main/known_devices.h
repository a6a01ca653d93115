// SPDX-License-Identifier: Apache-2.0
//
// All devices of one kind that the daemon has seen, so that a device that comes back gets the name
// and the settings that it had. The kernel numbers nodes in the order of their appearance, so the
// node does not identify a device: its serial number does, or its place on the bus.
//
// Threads: one at a time.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fusefs/main/options.h"
#include "fusefs/source/node.h"

namespace grabfs {

class KnownDevices {
 public:
  // Throws Error when the node cannot be opened.
  using IdentityOf = std::function<NodeIdentity(const std::string& node)>;
  // Is a device of this name in use now?
  using Present = std::function<bool(const std::string& name)>;

  // `kind`: of sources. `named`: the devices of the command line; those of other kinds are ignored.
  // `all`: accept other devices, too. Throws Error when a named device cannot be opened.
  KnownDevices(std::string kind, const std::vector<DeviceOption>& named, bool all,
               IdentityOf identity_of);

  // Could OptionFor() return an option for any node?
  [[nodiscard]] bool expects_devices() const { return all_ || !entries_.empty(); }
  // The name and settings for the device behind a node; nullopt: it is not wanted. The name may be
  // in use by the same device, unplugged but still in the mount. Throws Error as IdentityOf does.
  std::optional<DeviceOption> OptionFor(const std::string& node, const Present& present);

 private:
  struct Entry {
    NodeIdentity identity;
    DeviceOption option;
  };

  Entry* Find(const NodeIdentity& identity, const Present& present);
  Entry* FindBySerial(const std::string& serial, const Present& present);
  [[nodiscard]] std::string NewName(const std::string& node) const;
  [[nodiscard]] bool Taken(const std::string& name) const;

  const std::string kind_;
  const bool all_;
  const IdentityOf identity_of_;
  std::vector<Entry> entries_;  // of all that have been seen
};

}  // namespace grabfs
