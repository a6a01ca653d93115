// SPDX-License-Identifier: Apache-2.0
//
// Devices that come and go. Going is noticed by the device itself, and FileSystem takes its
// directory away when the last file is closed; coming is noticed here. Without --device every
// grabdma device appears, else those grabdma and V4L2 devices that the command line names come
// back.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fusefs/main/node_watch.h"
#include "fusefs/main/options.h"
#include "fusefs/main/roster.h"
#include "fusefs/vfs/file_system.h"

namespace grabfs {

class HotPlug {
 public:
  // From here on no device is missed. `named`: the devices of the command line; `file_system` must
  // outlive this object. Throws Error when a named device cannot be opened.
  HotPlug(const std::vector<DeviceOption>& named, FileSystem* file_system);

  // Adds the devices that are there already and have not been added; what cannot be had is
  // explained in the log. Returns how many were added.
  size_t AddPresent();

  // From now on devices are added as they appear, by threads that end with this object.
  void Start();

 private:
  // The devices of one kind of source.
  class Kind {
   public:
    // `prefix`: of their nodes in /dev, before a number.
    Kind(Roster roster, std::string prefix, FileSystem* file_system);

    size_t AddPresent();
    void Start();

   private:
    std::optional<DeviceOption> OptionFor(const std::string& node);
    NodeWatch::Answer OnNode(const std::string& node, bool last);

    Roster roster_;
    const std::string prefix_;
    FileSystem* const file_system_;
    std::unique_ptr<NodeWatch> watch_;  // null: nobody is waited for, or there is no way to
  };

  std::vector<std::unique_ptr<Kind>> kinds_;
};

}  // namespace grabfs
