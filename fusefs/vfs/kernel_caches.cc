// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/kernel_caches.h"

#include <utility>
#include <vector>

#include "fusefs/vfs/names.h"

namespace grabfs {

void KernelCaches::FramesChanged(Kernel& kernel, DeviceNode& node) {
  if (!node.frames_time_known.exchange(false)) return;
  kernel.InvalidateAttributes(node.Of(NodeKind::kFramesDir).number());
}

void KernelCaches::Announce(Kernel& kernel, const DeviceNode& node, uint64_t sequence,
                            Kernel::Announcement what) {
  kernel.Announce(node.Of(NodeKind::kFrame, sequence).number(),
                  node.device->name() + "/" + std::string(kFramesName) + "/" + FrameName(sequence),
                  what);
}

void KernelCaches::OnFrameGone(const Device& device, uint64_t sequence, uint32_t notes) {
  const NodePtr node = mount_.devices.Named(device.name());
  if (!node || node->device.get() != &device) return;
  FramesChanged(*mount_.kernel, *node);
  if (node->has_announced) Announce(*mount_.kernel, *node, sequence, Kernel::Announcement::kGone);
  if ((notes & Pool::kFrameNameKnown) == 0) return;
  mount_.kernel->InvalidateName({node->Of(NodeKind::kFramesDir).number(),
                                 node->Of(NodeKind::kFrame, sequence).number(),
                                 FrameName(sequence)});
}

void KernelCaches::OnPoolReplaced(const Device& device, Pool& old,
                                  std::span<const uint64_t> sequences) {
  const NodePtr node = mount_.devices.Named(device.name());
  if (!node) return;
  std::vector<Kernel::Name> names;
  const uint64_t frames = node->Of(NodeKind::kFramesDir).number();
  for (const uint64_t sequence : sequences) {
    names.push_back({frames, 0, FrameName(sequence)});
    if (node->has_announced) Announce(*mount_.kernel, *node, sequence, Kernel::Announcement::kGone);
  }
  const uint64_t buffers = node->Of(NodeKind::kBuffersDir).number();
  for (uint32_t slot = 0; slot < old.memory.size(); ++slot) {
    if ((old.notes[slot] & Pool::kBufferNameKnown) != 0) {
      names.push_back({buffers, 0, BufferName(slot)});
    }
  }
  if (!names.empty()) mount_.kernel->InvalidateNames(std::move(names));
  FramesChanged(*mount_.kernel, *node);
}

void KernelCaches::OnUndecided(const Device& device, Pool& pool, uint32_t slot) {
  const NodePtr node = mount_.devices.Named(device.name());
  if (!node || !mount_.pages_in_flight.Collect(node->number, pool)) pool.ring.SlotInFlight(slot);
}

void KernelCaches::OnRefilled(const Device& device, Pool& pool, uint32_t slot) {
  if (mount_.pages_in_flight.passthrough() || (pool.notes[slot] & Pool::kBufferPagesKnown) == 0)
    return;
  const NodePtr node = mount_.devices.Named(device.name());
  if (!node) return;
  pool.outdated[slot].Replaced(pool.format.bytes);
  mount_.kernel->InvalidatePages(node->OfBuffer(pool, slot).number());
}

void KernelCaches::OnFillEnded(const Device& device, Pool& pool, uint32_t slot) {
  const NodePtr node = mount_.devices.Named(device.name());
  if (!node) return;
  const uint64_t inode = node->OfBuffer(pool, slot).number();
  FramesChanged(*mount_.kernel, *node);
  if (const auto info = device.announces() ? pool.ring.At(slot) : std::nullopt) {
    node->has_announced = true;
    Announce(*mount_.kernel, *node, info->sequence, Kernel::Announcement::kMade);
  }
  mount_.locks.Retry(inode);
  const uint32_t known = pool.notes[slot].fetch_and(~static_cast<uint32_t>(Pool::kBufferAttrKnown));
  if ((known & Pool::kBufferAttrKnown) != 0) mount_.kernel->InvalidateAttributes(inode);
}

void KernelCaches::OnRenewed(const Device& device, Pool& pool, uint32_t slot) {
  const NodePtr node = mount_.devices.Named(device.name());
  if (node) mount_.locks.Retry(node->OfBuffer(pool, slot).number());
}

void KernelCaches::OnRecheckNeeded(const Device& /*device*/) { mount_.kernel->WakeHousekeeper(); }

void KernelCaches::OnUnplugged(const Device& /*device*/) { mount_.kernel->WakeHousekeeper(); }

}  // namespace grabfs
