// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/devices.h"

#include <cerrno>
#include <utility>

#include "fusefs/base/error.h"

namespace grabfs {

Devices::Added Devices::Add(std::unique_ptr<Device> device) {
  const std::lock_guard lock(mutex_);
  if (next_number_ > Inode::kMaxDevice) throw Error(ENFILE, "too many devices have come and gone");
  const auto known = by_name_.find(device->name());
  if (known != by_name_.end() && !known->second->device->state().gone()) {
    throw Error(EEXIST, "device name '" + device->name() + "' is given twice");
  }
  const auto node = std::make_shared<DeviceNode>(next_number_++, std::move(device));
  by_number_[node->number] = node;
  NodePtr predecessor = std::exchange(by_name_[node->device->name()], node);
  if (!predecessor) return {node, false};
  leaving_.push_back(std::move(predecessor));
  return {node, true};
}

bool Devices::Remove(const NodePtr& node) {
  const std::lock_guard lock(mutex_);
  const auto it = by_name_.find(node->device->name());
  if (it == by_name_.end() || it->second != node) return false;
  by_name_.erase(it);
  by_number_.erase(node->number);
  leaving_.push_back(node);
  return true;
}

std::vector<NodePtr> Devices::RemoveAll() {
  std::vector<NodePtr> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, node] : std::exchange(by_name_, {})) all.push_back(node);
  leaving_.insert(leaving_.end(), all.begin(), all.end());
  return all;
}

// A late request may have a reference to a removed device, but must not be the one to destroy it.
bool Devices::DestroyUnused() {
  std::vector<NodePtr> unused;  // destroyed without the lock
  const std::lock_guard lock(mutex_);
  std::erase_if(leaving_, [&unused](NodePtr& node) {
    if (node.use_count() > 1) return false;
    unused.push_back(std::move(node));
    return true;
  });
  return !leaving_.empty();
}

NodePtr Devices::Get(uint32_t number) const {
  NodePtr node = Find(number);
  if (!node) throw Error(ESTALE, "the device has left the mount");
  return node;
}

NodePtr Devices::Find(uint32_t number) const {
  const std::lock_guard lock(mutex_);
  const auto it = by_number_.find(number);
  return it == by_number_.end() ? nullptr : it->second.lock();
}

NodePtr Devices::Named(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

std::vector<NodePtr> Devices::All() const {
  std::vector<NodePtr> nodes;
  const std::lock_guard lock(mutex_);
  nodes.reserve(by_name_.size());
  for (const auto& [name, node] : by_name_) nodes.push_back(node);
  return nodes;
}

}  // namespace grabfs
