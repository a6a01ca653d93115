// SPDX-License-Identifier: Apache-2.0
//
// What opening and locking a file yields.
#include "fusefs/vfs/file_system.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "fusefs/vfs/attributes.h"
#include "fusefs/vfs/file_system_common.h"
#include "fusefs/vfs/files.h"
#include "fusefs/vfs/status.h"

namespace grabfs {
namespace {

bool Writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

}  // namespace

std::unique_ptr<OpenFile> FileSystem::Open(uint64_t number, int flags, pid_t caller) {
  if (number == kRootStatusInode) {
    if (Writes(flags)) throw Error(EACCES, "status.json cannot be written");
    return std::make_unique<TextFile>(
        nullptr, [this] { return MountStatus(options_.mountpoint, Nodes(), data_path()); },
        nullptr);
  }
  const Inode inode = Inode::Decode(number);
  const NodePtr node = Node(inode.device);
  switch (inode.kind) {
    case NodeKind::kFrame:
      return OpenFrame(node, inode.index, flags, caller);
    case NodeKind::kBuffer: {
      auto pool = node->device->pool();
      if (pool->generation != inode.generation() || inode.slot() >= pool->memory.size()) {
        ThrowStale();
      }
      pool->notes[inode.slot()] |= Pool::kBufferPagesKnown;
      return std::make_unique<BufferFile>(Use(node), std::move(pool), inode.slot());
    }
    case NodeKind::kEvents:
      if (Writes(flags)) throw Error(EACCES, "events cannot be written");
      return std::make_unique<EventsFile>(Use(node));
    case NodeKind::kStatus:
      if (Writes(flags)) throw Error(EACCES, "status.json cannot be written");
      return std::make_unique<TextFile>(
          Use(node), [this, node] { return DeviceStatus(*node->device, data_path()); }, nullptr);
    case NodeKind::kAttribute: {
      if (inode.index >= Attributes().size()) ThrowStale();
      const Attribute& attribute = Attributes()[inode.index];
      if (Writes(flags) && attribute.order == nullptr) {
        throw Error(EACCES, std::string(attribute.name) + " cannot be written");
      }
      return std::make_unique<TextFile>(
          Use(node), [&attribute, node] { return PrintAttribute(attribute, *node->device); },
          [&attribute, node](std::string_view text, Device::Done done) {
            WriteAttribute(attribute, *node->device, text, std::move(done));
          });
    }
    default:
      throw Error(EISDIR, "a directory cannot be opened as a file");
  }
}

std::unique_ptr<OpenFile> FileSystem::OpenFrame(const NodePtr& node, uint64_t sequence, int flags,
                                                pid_t caller) {
  // The kernel's permission check lets root pass; this promise binds root too.
  if (Writes(flags)) throw Error(EACCES, "frames are read-only");
  auto pool = node->device->pool();
  auto frame = pool->ring.Hold(sequence);
  if (!frame) {
    for (auto& retired : node->device->retired_pools()) {
      if ((frame = retired->ring.Hold(sequence))) {
        pool = std::move(retired);
        break;
      }
    }
  }
  if (!frame) {
    node->guards.OpenWasStale();
    ThrowStale();
  }
  if (node->guards.Wanted()) node->guards.Opened(*pool, sequence, caller);
  return std::make_unique<FrameFile>(Use(node), std::move(pool), *frame,
                                     [this] { kernel_->WakeHousekeeper(); });
}

LockTable::Outcome FileSystem::Lock(uint64_t number, LockTable::Asker asker, LockTable::Mode mode,
                                    bool wait, LockTable::Granted granted) {
  const Inode inode = Inode::Decode(number);
  LockTable::Hold hold;
  if (number != kRootInode && inode.kind == NodeKind::kBuffer) {
    const auto pool = PoolOf(*Node(inode.device), inode.generation());
    if (!pool) ThrowStale();
    const uint32_t slot = inode.slot();
    hold.acquire = [pool, slot] { return pool->ring.HoldSlot(slot); };
    hold.release = [pool, slot] { pool->ring.Release(slot, false); };
  }
  return locks_.Lock(number, asker, mode, wait, hold, std::move(granted));
}

}  // namespace grabfs
