// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/pages_in_flight.h"

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "fusefs/vfs/mount.h"
#include "fusefs/vfs/names.h"

namespace grabfs {

void PagesInFlight::SetDataPath(const DataPath& path) {
  const std::lock_guard lock(mutex_);
  data_path_ = path;
  passthrough_ = path.passthrough;
}

DataPath PagesInFlight::data_path() const {
  const std::lock_guard lock(mutex_);
  return data_path_;
}

DataPath PagesInFlight::DataPathOf(const DeviceNode& node) const {
  DataPath path = data_path();
  if (!path.passthrough) return path;
  const auto pool = node.device->pool();
  if (!NeedsWatch(*pool)) {
    path.in_flight = "seen";
  } else {
    path.in_flight = Collect(node.number, *pool) ? "watched" : "assumed";
  }
  return path;
}

bool PagesInFlight::Collect(uint32_t device, const Pool& pool) const {
  return !NeedsWatch(pool) || mount_.kernel->CollectAccess(device);
}

// Frames have names in two directories, and can be read through a locked buffer.
void PagesInFlight::Watch() {
  if (data_path().handles) return;
  std::vector<Kernel::Directory> directories;
  for (const NodePtr& node : mount_.devices.All()) {
    if (node->device->output() || !NeedsWatch(*node->device->pool())) continue;
    const std::string& name = node->device->name();
    const auto add = [&](NodeKind kind, const std::string& path) {
      directories.push_back({node->number, node->Of(kind).number(), path});
    };
    add(NodeKind::kDeviceDir, name);
    add(NodeKind::kFramesDir, name + "/" + std::string(kFramesName));
    add(NodeKind::kBuffersDir, name + "/" + std::string(kBuffersName));
  }
  mount_.kernel->WatchAccess(std::move(directories));
}

void PagesInFlight::OnAccess(uint64_t number) {
  const Inode inode = Inode::Decode(number);
  if (inode.kind != NodeKind::kFrame && inode.kind != NodeKind::kBuffer) return;
  const NodePtr node = mount_.devices.Find(inode.device);
  if (!node) return;
  const auto pool = node->device->pool();
  if (inode.kind == NodeKind::kFrame) {
    pool->ring.InFlight(inode.index);
  } else if (inode.generation() == pool->generation && inode.slot() < pool->memory.size()) {
    pool->ring.SlotInFlight(inode.slot());
  }
}

void PagesInFlight::OnAccessLost() {
  for (const NodePtr& node : mount_.devices.All()) {
    const auto pool = node->device->pool();
    if (NeedsWatch(*pool)) pool->ring.AllInFlight();
  }
}

}  // namespace grabfs
