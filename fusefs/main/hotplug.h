// SPDX-License-Identifier: Apache-2.0
//
// Adds devices that are plugged in while the daemon runs. (A device notices itself that it was
// unplugged; the housekeeper removes it when its last file is closed.) Without --device every
// grabdma device is added; else those that the command line names, when they come back: grabdma and
// V4L2 devices, and cameras that have no device node.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fusefs/main/known_devices.h"
#include "fusefs/main/node_watch.h"
#include "fusefs/main/options.h"
#include "fusefs/main/returning.h"
#include "fusefs/vfs/file_system.h"

namespace grabfs {

class HotPlug {
 public:
  // Devices that appear after this are not missed. `named`: the devices of the command line;
  // `file_system` must outlive this object. Throws Error when a named device cannot be opened.
  HotPlug(const std::vector<DeviceOption>& named, FileSystem* file_system);

  // Adds the devices that are plugged in already; logs why one cannot be opened. Returns how many
  // were added.
  size_t AddPresent();

  // Starts a thread for each kind, which adds devices as they appear; the destructor joins them.
  void Start();

 private:
  // The devices of one kind of source.
  class Kind {
   public:
    // `prefix`: of their nodes in /dev, before a number.
    Kind(KnownDevices known_devices, std::string prefix, FileSystem* file_system);

    size_t AddPresent();
    void Start();

   private:
    std::optional<DeviceOption> OptionFor(const std::string& node);
    NodeWatch::Answer OnNode(const std::string& node, bool last);

    KnownDevices known_devices_;
    const std::string prefix_;
    FileSystem* const file_system_;
    std::unique_ptr<NodeWatch> watch_;  // null: no device can come, or inotify is not available
  };

  std::vector<std::unique_ptr<Kind>> kinds_;
  Returning returning_;
};

}  // namespace grabfs
