// SPDX-License-Identifier: Apache-2.0
//
// Counts an open file of a device, so that an unplugged device stays in the mount until the last
// file is closed.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "fusefs/vfs/device_node.h"

namespace grabfs {

class DeviceUse {
 public:
  // `on_last` is called by the destructor of the last DeviceUse of the device.
  DeviceUse(NodePtr node, std::function<void(const DeviceNode&)> on_last)
      : node_(std::move(node)), on_last_(std::move(on_last)) {
    ++node_->open_files;
  }
  ~DeviceUse() {
    if (--node_->open_files == 0) on_last_(*node_);
  }
  DeviceUse(const DeviceUse&) = delete;
  DeviceUse& operator=(const DeviceUse&) = delete;

  [[nodiscard]] DeviceNode& node() const { return *node_; }
  [[nodiscard]] Device& device() const { return *node_->device; }
  [[nodiscard]] StreamConverter& converter() const { return node_->converter; }

 private:
  const NodePtr node_;
  const std::function<void(const DeviceNode&)> on_last_;
};

}  // namespace grabfs
