// SPDX-License-Identifier: Apache-2.0
//
// Which device of one kind is which. Node numbers are given in the order in which devices appear;
// what tells that a device has come back is its serial number or its place on the bus. A device
// that comes back has the name and the settings that it had.
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

class Roster {
 public:
  // Throws Error when the node cannot be opened.
  using IdentityOf = std::function<NodeIdentity(const std::string& node)>;
  // Is a device of this name in use now?
  using Present = std::function<bool(const std::string& name)>;

  // `kind`: of sources. `named`: the devices of the command line; other kinds do not matter.
  // `all`: devices without a name are welcome too. Throws Error when a named one cannot be opened.
  Roster(std::string kind, const std::vector<DeviceOption>& named, bool all,
         IdentityOf identity_of);

  // Is there any node that it would know what to make of?
  [[nodiscard]] bool expects_devices() const { return all_ || !entries_.empty(); }
  // What to make of the device behind a node; nullopt: nothing. A name that is present is answered
  // where only its predecessor can be meant. Throws Error as IdentityOf does.
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
