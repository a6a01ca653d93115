// SPDX-License-Identifier: Apache-2.0
//
// What is done from time to time: frames that are still mapped, devices that have gone.
#include "fusefs/vfs/file_system.h"

#include <algorithm>
#include <unordered_set>

#include "fusefs/base/log.h"
#include "fusefs/vfs/file_system_common.h"
#include "fusefs/vfs/mapping_scan.h"

namespace grabfs {

std::optional<FileSystem::WorkerTime> FileSystem::Housekeep() {
  using std::chrono::steady_clock;
  constexpr WorkerTime kShortest{20};
  constexpr WorkerTime kLongest{500};
  constexpr int kShareOfTime = 10;  // looking takes at most a tenth of the time

  const auto begin = steady_clock::now();
  bool again = alloc_.Settle();
  std::optional<WorkerTime> later;
  std::vector<NodePtr> gone;
  for (const NodePtr& node : Nodes()) {
    if (node->device->state().gone() && node->open_files == 0) {
      gone.push_back(node);
      continue;
    }
    if (const auto time = WriteBack(*node)) later = std::min(*time, later.value_or(*time));
    again |= node->guards.Expire();
    auto pools = node->device->retired_pools();
    pools.push_back(node->device->pool());
    for (const auto& pool : pools) again |= SettleMapped(*node, *pool);
  }
  for (const NodePtr& node : gone) RemoveDevice(node);
  if (!again) return later;
  const auto took = std::chrono::duration_cast<WorkerTime>(steady_clock::now() - begin);
  const WorkerTime soon = std::clamp(took * kShareOfTime, kShortest, kLongest);
  return std::min(soon, later.value_or(soon));
}

std::optional<FileSystem::WorkerTime> FileSystem::WriteBack(DeviceNode& node) {
  const Device& device = *node.device;
  const WorkerTime interval(device.output() ? device.state().writeback_ms : 0);
  if (interval == WorkerTime::zero()) return std::nullopt;
  const auto pool = device.pool();
  const bool dirty = std::ranges::any_of(
      pool->notes, [](const auto& notes) { return (notes & Pool::kBufferDirty) != 0; });
  if (!dirty && node.open_files == 0) return std::nullopt;
  const auto now = std::chrono::steady_clock::now();
  // The interval begins when there may be something to be written.
  if (node.next_writeback == std::chrono::steady_clock::time_point()) {
    node.next_writeback = now + interval;
  }
  if (node.next_writeback <= now) {
    Flush(node, false);
    node.next_writeback = {};
    return interval;
  }
  return std::chrono::ceil<WorkerTime>(node.next_writeback - now);
}

// What mappings have dirtied comes to us first, which another thread does.
void FileSystem::Flush(const DeviceNode& node, bool always) {
  Device& device = *node.device;
  const auto pool = device.pool();
  for (uint32_t slot = 0; slot < pool->memory.size(); ++slot) {
    if ((pool->notes[slot] & Pool::kBufferPagesKnown) == 0) continue;
    kernel_->DropPages(Inode::Buffer(node.number, pool->generation, slot).number());
    device.Output(pool, slot, always, [&device](const Error* error) {
      if (error != nullptr) LogError(device.name() + ": " + error->what());
    });
  }
}

bool FileSystem::SettleMapped(const DeviceNode& node, Pool& pool) {
  const auto mapped = pool.ring.Recheck();
  if (mapped.empty()) return false;
  bool some = false;
  std::optional<std::unordered_set<uint64_t>> inodes;
  for (const Ring::Mapped& slot : mapped) {
    const Memory& memory = *pool.memory[slot.slot];
    // Only where followers of the live buffer use the same file is the probe's word not the last.
    const bool certain = memory.live_fd() != memory.frame_fd();
    if (!certain && !inodes) inodes = ScanMappings(kernel_->device_number());
    if (!certain && inodes &&
        !inodes->contains(Of(node, NodeKind::kFrame, slot.sequence).number())) {
      pool.ring.Settle(slot);
    } else {
      some = true;
    }
  }
  return some;
}

bool FileSystem::MappedByOthers(uint64_t serial, const Caller& caller) {
  const auto inodes = ScanMappings(kernel_->device_number(), caller.pid);
  return !inodes || inodes->contains(Inode{0, NodeKind::kAllocFile, serial}.number());
}

void FileSystem::RemoveDevice(const NodePtr& node) {
  {
    const std::lock_guard lock(mutex_);
    const auto it = by_name_.find(node->device->name());
    if (it == by_name_.end() || it->second != node) return;
    by_name_.erase(it);
    by_number_.erase(node->number);
  }
  // Its thread may be using the node still, and must not be the one to destroy it.
  node->device->Halt();
  kernel_->ForgetName(kRootInode, Of(*node, NodeKind::kDeviceDir).number(), node->device->name());
  kernel_->ForgetAttributes(kRootInode);
}

}  // namespace grabfs
