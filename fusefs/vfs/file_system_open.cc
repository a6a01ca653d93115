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
#include "fusefs/vfs/stream_file.h"
#include "fusefs/vfs/xattr.h"

namespace grabfs {
namespace {

bool Writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

}  // namespace

std::unique_ptr<OpenFile> FileSystem::Open(uint64_t number, int flags, const Caller& caller) {
  if (number == kRootStatusInode) {
    if (Writes(flags)) throw Error(EACCES, "status.json cannot be written");
    return std::make_unique<TextFile>(
        nullptr, [this] { return StatusText(); }, nullptr);
  }
  const Inode inode = Inode::Decode(number);
  if (AllocTree::Has(inode)) return alloc_.Open(inode, caller);
  if (inode.kind == NodeKind::kInto) return OpenInto(Node(inode.device), caller);
  return OpenOfDevice(inode, flags, caller);
}

std::unique_ptr<OpenFile> FileSystem::OpenOfDevice(const Inode& inode, int flags,
                                                   const Caller& caller) {
  const NodePtr node = Node(inode.device);
  switch (inode.kind) {
    case NodeKind::kFrame:
      return OpenFrame(node, inode.index, flags, caller);
    case NodeKind::kPicture:
      return OpenPicture(node, inode, flags, caller);
    case NodeKind::kBuffer: {
      auto pool = node->device->pool();
      if (pool->generation != inode.generation() || inode.slot() >= pool->memory.size()) {
        ThrowStale();
      }
      pool->notes[inode.slot()] |= Pool::kBufferPagesKnown;
      if (node->device->output()) kernel_->WakeHousekeeper();
      return std::make_unique<BufferFile>(Use(node), std::move(pool), inode.slot());
    }
    case NodeKind::kEvents:
      if (Writes(flags)) throw Error(EACCES, "events cannot be written");
      return std::make_unique<EventsFile>(Use(node));
    case NodeKind::kStream:
      return OpenStream(node, inode.index, flags, caller);
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
    case NodeKind::kControls:
      return OpenControl(node, inode.index, flags);
    default:
      throw Error(EISDIR, "a directory cannot be opened as a file");
  }
}

std::unique_ptr<OpenFile> FileSystem::OpenStream(const NodePtr& node, uint64_t row, int flags,
                                                 const Caller& caller) {
  if (row >= StreamForms().size()) ThrowStale();
  const StreamForm& form = StreamForms()[row];
  if (Writes(flags)) throw Error(EACCES, std::string(form.name) + " cannot be written");
  try {
    const auto permit = [this, user = caller.uid](const auto& pool, uint64_t sequence) {
      return std::shared_ptr<void>(hold_limit_.TakeFrame(pool, sequence, user));
    };
    return std::make_unique<StreamFile>(Use(node), form, caller.pid, permit, &stream_tasks_);
  } catch (const Error& error) {
    node->device->Reject(error, [](const Error*) {});
    throw;
  }
}

// Who opened it is who must be allowed to write the memory, whoever writes the name.
std::unique_ptr<OpenFile> FileSystem::OpenInto(const NodePtr& node, const Caller& opener) {
  return std::make_unique<TextFile>(
      Use(node), [node] { return IntoText(*node); },
      [this, node, writer = AllocTree::Writer{opener, SupplementaryGroups(opener.pid)}](
          std::string_view text, Device::Done done) {
        try {
          OrderInto(*node->device, text, writer, done);
        } catch (const Error& error) {
          node->device->Reject(error, std::move(done));
        }
      });
}

void FileSystem::OrderInto(Device& device, std::string_view text, const AllocTree::Writer& writer,
                           Device::Done done) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.empty()) return device.CancelTargets(std::move(done));
  const AllocTree::Target target = alloc_.FindTarget(text, writer);
  device.CaptureInto({.name = target.path,
                      .memory = target.file->BeginFill(device.state().format.bytes),
                      .on_refilled =
                          [this, file = target.file, inode = target.inode] {
                            file->Filled();
                            kernel_->DropPages(inode);
                          },
                      .on_done =
                          [file = target.file](const FrameFormat& format, const FrameInfo* info) {
                            using Xattrs = std::map<std::string, std::string, std::less<>>;
                            file->EndFill(info ? FrameXattrs(format, *info) : Xattrs());
                          }},
                     std::move(done));
}

std::string FileSystem::IntoText(const DeviceNode& node) {
  return node.device->state().into + "\n";
}

std::unique_ptr<OpenFile> FileSystem::OpenFrame(const NodePtr& node, uint64_t sequence, int flags,
                                                const Caller& caller) {
  // The kernel's permission check lets root pass; this promise binds root too.
  if (Writes(flags)) throw Error(EACCES, "frames are read-only");
  Opening opening = HoldForOpen(node, sequence, caller);
  return std::make_unique<FrameFile>(Use(node), std::move(opening.pool), opening.frame,
                                     std::move(opening.share),
                                     [this] { kernel_->WakeHousekeeper(); });
}

FileSystem::Opening FileSystem::HoldForOpen(const NodePtr& node, uint64_t sequence,
                                            const Caller& caller) {
  auto opening = TryHold(node->device->pool(), sequence, caller.uid);
  if (!opening) opening = TryHoldRetired(*node, sequence, caller.uid);
  if (!opening) {
    node->guards.OpenWasStale();
    ThrowStale();
  }
  if (node->guards.Wanted()) node->guards.Opened(*opening->pool, sequence, caller.pid);
  return std::move(*opening);
}

std::optional<FileSystem::Opening> FileSystem::TryHold(const std::shared_ptr<Pool>& pool,
                                                       uint64_t sequence, uid_t user) {
  if (!pool->ring.Find(sequence)) return std::nullopt;
  auto share = hold_limit_.TakeFrame(pool, sequence, user);
  const auto frame = pool->ring.Hold(sequence);
  if (!frame) return std::nullopt;
  return Opening{pool, *frame, std::move(share)};
}

std::optional<FileSystem::Opening> FileSystem::TryHoldRetired(const DeviceNode& node,
                                                              uint64_t sequence, uid_t user) {
  for (const auto& pool : node.device->retired_pools()) {
    if (auto opening = TryHold(pool, sequence, user)) return opening;
  }
  return std::nullopt;
}

LockTable::Outcome FileSystem::Lock(uint64_t number, LockTable::Asker asker, LockTable::Mode mode,
                                    bool wait, const Caller& caller, LockTable::Granted granted) {
  const Inode inode = Inode::Decode(number);
  LockTable::Hold hold;
  if (number != kRootInode && inode.kind == NodeKind::kBuffer) {
    const auto pool = PoolOf(*Node(inode.device), inode.generation());
    if (!pool) ThrowStale();
    const uint32_t slot = inode.slot();
    asker.share = hold_limit_.TakeBuffer(pool, slot, caller.uid);
    hold.acquire = [pool, slot] { return pool->ring.HoldSlot(slot); };
    // A frame that was closed under the lock may be mapped: that was not looked into meanwhile.
    hold.release = [this, pool, slot] {
      pool->ring.Release(slot, false);
      kernel_->WakeHousekeeper();
    };
  }
  return locks_.Lock(number, asker, mode, wait, hold, std::move(granted));
}

}  // namespace grabfs
