// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/housekeeper.h"

#include <algorithm>
#include <cstdint>
#include <unordered_set>
#include <vector>

#include "fusefs/base/log.h"
#include "fusefs/vfs/mapping_scan.h"

namespace grabfs {
namespace {

constexpr Housekeeper::Time kShortest{20};
constexpr Housekeeper::Time kLongest{500};
constexpr int kShareOfTime = 10;  // a run takes at most a tenth of the time

}  // namespace

std::optional<Housekeeper::Time> Housekeeper::Run() {
  using std::chrono::steady_clock;
  const auto begin = steady_clock::now();
  bool again = mount_.store.FreeOrphans();
  std::optional<Time> later;
  bool some_gone = false;
  for (const NodePtr& node : mount_.devices.All()) {
    if (node->device->state().gone() && node->open_files == 0) {
      RemoveDevice(node);
      some_gone = true;
      continue;
    }
    if (const auto time = WriteBack(*node)) later = std::min(*time, later.value_or(*time));
    again |= KeepDevice(*node);
  }
  if (some_gone) mount_.pages_in_flight.Watch();
  again |= mount_.devices.DestroyUnused();
  if (!again) return later;
  const auto took = std::chrono::duration_cast<Time>(steady_clock::now() - begin);
  const Time soon = std::clamp(took * kShareOfTime, kShortest, kLongest);
  return std::min(soon, later.value_or(soon));
}

bool Housekeeper::KeepDevice(DeviceNode& node) {
  bool again = node.lookup_holds.Expire();
  for (const auto& pool : node.Pools()) again |= RecheckMapped(node, *pool);
  again |= RenewAside(node, *node.device->pool());
  return again;
}

bool Housekeeper::RecheckMapped(const DeviceNode& node, Pool& pool) {
  const auto mapped = pool.ring.Recheck();
  if (mapped.empty()) return false;
  bool some = false;
  std::optional<std::unordered_set<uint64_t>> inodes;
  for (const Ring::Mapped& slot : mapped) {
    const Memory& memory = *pool.memory[slot.slot];
    // The probe cannot be sure where followers of the live buffer use the same file.
    const bool certain = memory.live_fd() != memory.frame_fd();
    if (!certain && !inodes) inodes = ScanMappings(mount_.kernel->device_number());
    if (!certain && inodes &&
        !inodes->contains(node.Of(NodeKind::kFrame, slot.sequence).number())) {
      pool.ring.MarkUnmapped(slot);
    } else {
      some = true;
    }
  }
  return some;
}

bool Housekeeper::RenewAside(const DeviceNode& node, Pool& pool) {
  std::optional<std::unordered_set<uint64_t>> written;
  bool scanned = false;
  const auto aside = pool.ring.Aside();
  for (const uint32_t slot : aside) {
    if (pool.writers[slot] > 0) continue;
    constexpr uint32_t kWriters = Pool::kBufferWriters;
    // Whoever opens it for writing from now on sets the bit again.
    const bool maybe = (pool.notes[slot].fetch_and(~kWriters) & kWriters) != 0;
    if (maybe) {
      if (!scanned) written = ScanMappings(mount_.kernel->device_number(), 0, MappedFor::kWriting);
      scanned = true;
      if (!written || written->contains(node.OfBuffer(pool, slot).number())) {
        pool.notes[slot] |= kWriters;
        continue;
      }
    }
    pool.ring.RenewAgain(slot);
  }
  return !aside.empty();
}

void Housekeeper::RemoveDevice(const NodePtr& node) {
  if (!mount_.devices.Remove(node)) return;
  // End() joins the device's threads, which may still use the node and must not destroy it.
  node->End();
  mount_.kernel->InvalidateName({kRootInode, 0, node->device->name()});
  mount_.kernel->InvalidateAttributes(kRootInode);
}

std::optional<Housekeeper::Time> Housekeeper::WriteBack(DeviceNode& node) {
  const Device& device = *node.device;
  const Time interval(device.output() ? device.state().writeback_ms : 0);
  if (interval == Time::zero()) return std::nullopt;
  const auto pool = device.pool();
  const bool dirty = std::ranges::any_of(
      pool->notes, [](const auto& notes) { return (notes & Pool::kBufferDirty) != 0; });
  if (!dirty && node.open_files == 0) return std::nullopt;
  const auto now = std::chrono::steady_clock::now();
  // The interval begins when a buffer may have been written.
  if (node.next_writeback == std::chrono::steady_clock::time_point()) {
    node.next_writeback = now + interval;
  }
  if (node.next_writeback <= now) {
    FlushOutput(node, false);
    node.next_writeback = {};
    return interval;
  }
  return std::chrono::ceil<Time>(node.next_writeback - now);
}

// InvalidatePages() first has the kernel write back what mappings have dirtied; workers serve that.
void Housekeeper::FlushOutput(const DeviceNode& node, bool always) {
  Device& device = *node.device;
  const auto pool = device.pool();
  for (uint32_t slot = 0; slot < pool->memory.size(); ++slot) {
    if ((pool->notes[slot] & Pool::kBufferPagesKnown) == 0) continue;
    mount_.kernel->InvalidatePages(node.OfBuffer(*pool, slot).number());
    device.Output(pool, slot, always, [&device](const Error* error) {
      if (error != nullptr) LogError(device.name() + ": " + error->what());
    });
  }
}

}  // namespace grabfs
