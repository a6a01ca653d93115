// SPDX-License-Identifier: Apache-2.0
//
// The devices of a mount, by name and by number.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fusefs/base/mutex.h"
#include "fusefs/vfs/device_node.h"

namespace grabfs {

class Devices {
 public:
  struct Added {
    NodePtr node;
    bool replaces = false;  // an unplugged device of the same name
  };
  // Throws Error: EEXIST; ENFILE when all device numbers of inodes are used up.
  Added Add(std::unique_ptr<Device> device);
  // Removes it from the mount; the caller ends it. False: it was removed before.
  bool Remove(const NodePtr& node);
  // The same for all; returns them.
  std::vector<NodePtr> RemoveAll();
  // Destroys removed devices that are not used any more; true while there are others. May take
  // long, and is the only place that destroys devices, so that no request has to wait for that.
  bool DestroyUnused();

  // By the device number in an inode number. Throws Error(ESTALE) when it was removed.
  [[nodiscard]] NodePtr Get(uint32_t number) const;
  [[nodiscard]] NodePtr Find(uint32_t number) const;  // nullptr: it was removed
  [[nodiscard]] NodePtr Named(const std::string& name) const;
  [[nodiscard]] std::vector<NodePtr> All() const;

 private:
  mutable Mutex mutex_;  // guards all below; leaf
  std::map<std::string, NodePtr> by_name_;
  std::map<uint32_t, std::weak_ptr<DeviceNode>> by_number_;
  std::vector<NodePtr> leaving_;
  uint32_t next_number_ = kMountItself + 1;
};

}  // namespace grabfs
