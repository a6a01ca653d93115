// SPDX-License-Identifier: Apache-2.0
//
// Which device of one kind is which. Node numbers are given in the order in which devices appear;
// what tells that a device has come back is its place on the bus. A device that comes back has the
// name and the settings that it had.
//
// Threads: one at a time.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fusefs/main/options.h"

namespace grabfs {

class Roster {
 public:
  // The place of a node's device on its bus. Throws Error when the node cannot be opened.
  using BusOf = std::function<std::string(const std::string& node)>;

  // `kind`: of sources. `named`: the devices of the command line; other kinds do not matter.
  // `all`: devices without a name are welcome too. Throws Error when a named one cannot be opened.
  Roster(std::string kind, const std::vector<DeviceOption>& named, bool all, BusOf bus_of);

  // Is there any node that it would know what to make of?
  [[nodiscard]] bool expects_devices() const { return all_ || !by_bus_.empty(); }
  // What to make of the device behind a node; nullopt: nothing. Throws Error as BusOf does.
  std::optional<DeviceOption> OptionFor(const std::string& node);

 private:
  [[nodiscard]] std::string NewName(const std::string& node) const;
  [[nodiscard]] bool Taken(const std::string& name) const;

  const std::string kind_;
  const bool all_;
  const BusOf bus_of_;
  std::map<std::string, DeviceOption> by_bus_;
};

}  // namespace grabfs
