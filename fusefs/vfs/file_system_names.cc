// SPDX-License-Identifier: Apache-2.0
//
// What is called what: lookups, listings, unlinking.
#include "fusefs/vfs/file_system.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fusefs/vfs/attributes.h"
#include "fusefs/vfs/control_files.h"
#include "fusefs/vfs/file_system_common.h"
#include "fusefs/vfs/names.h"
#include "fusefs/vfs/stream_file.h"

namespace grabfs {
namespace {

// The entries of a device directory besides the attributes, in the order of readdir().
struct FixedName {
  std::string_view name;
  NodeKind kind;
};
constexpr FixedName kDeviceNames[] = {
    {kFramesName, NodeKind::kFramesDir}, {kBuffersName, NodeKind::kBuffersDir},
    {kEventsName, NodeKind::kEvents},    {kIntoName, NodeKind::kInto},
    {kStatusName, NodeKind::kStatus},
};

}  // namespace

Entry FileSystem::Lookup(uint64_t parent, const std::string& name, const Caller& caller) {
  if (parent == kRootInode) return LookupInMount(name);
  const Inode inode = Inode::Decode(parent);
  if (AllocTree::Has(inode)) return alloc_.Lookup(inode, name, caller);
  const NodePtr node = Node(inode.device);
  if (inode.kind == NodeKind::kDeviceDir) {
    if (name == LatestName(kRaw)) return LookupLatest(node, caller.pid);
    if (const auto entry = LookupLatestPicture(node, name, caller.pid)) return *entry;
    return LookupInDevice(node, name);
  }
  if (inode.kind == NodeKind::kFramesDir) {
    const auto sequence = ParseFrameName(name);
    if (!sequence) ThrowNoSuchName(name);
    return LookupFrame(node, *sequence);
  }
  if (inode.kind == NodeKind::kPicturesDir) {
    return LookupPicture(node, static_cast<PictureForm>(inode.index), name);
  }
  if (inode.kind == NodeKind::kControls) return LookupControl(node, name);
  const auto slot = ParseBufferName(name);
  if (!slot) ThrowNoSuchName(name);
  return LookupBuffer(node, *slot);
}

Entry FileSystem::LookupInMount(const std::string& name) {
  if (name == kStatusName) return {GetAttr(kRootStatusInode), kForever};
  if (name == kAllocName) return alloc_.Root();
  const NodePtr node = NodeNamed(name);
  if (!node) ThrowNoSuchName(name);
  return {GetAttr(Of(*node, NodeKind::kDeviceDir).number()), kForever};
}

Entry FileSystem::LookupInDevice(const NodePtr& node, const std::string& name) {
  for (const FixedName& fixed : kDeviceNames) {
    if (name == fixed.name) return {GetAttr(Of(*node, fixed.kind).number()), kForever};
  }
  for (const PictureForm form : PictureForms()) {
    if (name != PicturesName(PictureFormName(form))) continue;
    const auto index = static_cast<uint64_t>(form);
    return {GetAttr(Of(*node, NodeKind::kPicturesDir, index).number()), kForever};
  }
  for (size_t row = 0; row < StreamForms().size(); ++row) {
    if (name != StreamForms()[row].name) continue;
    return {GetAttr(Of(*node, NodeKind::kStream, row).number()), kForever};
  }
  if (name == kControlsName && HasControls(*node->device)) {
    return {GetAttr(Of(*node, NodeKind::kControls).number()), kForever};
  }
  const Attribute* attribute = FindAttribute(name);
  if (attribute == nullptr) ThrowNoSuchName(name);
  const uint64_t row = static_cast<uint64_t>(attribute - Attributes().data());
  return {GetAttr(Of(*node, NodeKind::kAttribute, row).number()), kForever};
}

Entry FileSystem::LookupLatest(const NodePtr& node, pid_t caller) {
  const auto newest = Newest(node, caller);
  if (!newest) ThrowNoSuchName(LatestName(kRaw));
  return LatestEntry(*node, newest->info);
}

std::optional<Ring::Frame> FileSystem::Newest(const NodePtr& node, pid_t caller) {
  const auto pool = node->device->pool();
  const bool guard = node->guards.Wanted();
  const auto newest = guard ? node->guards.GuardNewest(pool, caller) : pool->ring.Newest();
  if (guard) kernel_->WakeHousekeeper();
  return newest;
}

Entry FileSystem::LatestEntry(const DeviceNode& node, const FrameInfo& newest) const {
  const uint64_t inode = Of(node, NodeKind::kFrame, newest.sequence).number();
  return {FrameAttr(inode, newest), kNotAtAll};
}

Entry FileSystem::LookupFrame(const NodePtr& node, uint64_t sequence) {
  const auto pool = node->device->pool();
  // Noted before the look, so that the frame cannot go away in between without being withdrawn.
  const auto seen = pool->ring.NextFrom(sequence);
  if (!seen || seen->info.sequence != sequence) ThrowNoSuchName(FrameName(sequence));
  pool->notes[seen->slot] |= Pool::kFrameNameKnown;
  if (!pool->ring.Named(sequence)) ThrowNoSuchName(FrameName(sequence));
  return {FrameAttr(Of(*node, NodeKind::kFrame, sequence).number(), seen->info), kForever};
}

Entry FileSystem::LookupBuffer(const NodePtr& node, uint32_t slot) {
  const auto pool = node->device->pool();
  if (slot >= pool->memory.size()) ThrowNoSuchName(BufferName(slot));
  pool->notes[slot] |= Pool::kBufferNameKnown;
  const uint64_t inode = Inode::Buffer(node->number, pool->generation, slot).number();
  return {BufferAttr(inode, *pool, slot), kForever};
}

void FileSystem::ReadDir(uint64_t number, uint64_t offset, const Caller& caller, const Emit& emit) {
  if (number == kRootInode) return ReadMountDir(offset, emit);
  const Inode inode = Inode::Decode(number);
  if (AllocTree::Has(inode)) return alloc_.ReadDir(inode, offset, caller, emit);
  const NodePtr node = Node(inode.device);
  if (inode.kind == NodeKind::kDeviceDir) return ReadDeviceDir(node, offset, emit);
  if (inode.kind == NodeKind::kFramesDir) return ReadFramesDir(node, offset, emit);
  if (inode.kind == NodeKind::kPicturesDir) {
    return ReadPicturesDir(node, static_cast<PictureForm>(inode.index), offset, emit);
  }
  if (inode.kind == NodeKind::kControls) return ReadControlsDir(node, offset, emit);
  ReadBuffersDir(node, offset, emit);
}

void FileSystem::ReadMountDir(uint64_t offset, const Emit& emit) {
  // The device of number n has offset 3 + n, so devices may come and go meanwhile.
  uint64_t fixed = 1;
  for (const std::string_view name : {kStatusName, kAllocName}) {
    const std::string text(name);
    if (offset < fixed && !emit(text, LookupInMount(text), fixed)) return;
    ++fixed;
  }
  auto nodes = Nodes();
  std::ranges::sort(nodes, {}, [](const NodePtr& node) { return node->number; });
  for (const NodePtr& node : nodes) {
    const uint64_t next = node->number + fixed;
    if (next <= offset) continue;
    const Entry entry{GetAttr(Of(*node, NodeKind::kDeviceDir).number()), kForever};
    if (!emit(node->device->name(), entry, next)) return;
  }
}

void FileSystem::ReadDeviceDir(const NodePtr& node, uint64_t offset, const Emit& emit) {
  std::vector<std::string> names;
  for (const FixedName& fixed : kDeviceNames) names.emplace_back(fixed.name);
  for (const PictureForm form : PictureForms()) {
    names.push_back(PicturesName(PictureFormName(form)));
  }
  for (const StreamForm& form : StreamForms()) names.emplace_back(form.name);
  for (const Attribute& attribute : Attributes()) names.emplace_back(attribute.name);
  if (HasControls(*node->device)) names.emplace_back(kControlsName);
  for (uint64_t i = offset; i < names.size(); ++i) {
    if (!emit(names[i], LookupInDevice(node, names[i]), i + 1)) return;
  }
  // Last, because they may be absent and must not shift the others.
  ReadLatest(node, names.size(), offset, emit);
}

void FileSystem::ReadFramesDir(const NodePtr& node, uint64_t offset, const Emit& emit) {
  // The offset is the next sequence number to show: it stays right while frames come and go.
  const auto pool = node->device->pool();
  for (auto frame = pool->ring.NextFrom(offset); frame;
       frame = pool->ring.NextFrom(frame->info.sequence + 1)) {
    const uint64_t sequence = frame->info.sequence;
    pool->notes[frame->slot] |= Pool::kFrameNameKnown;
    const Entry entry{FrameAttr(Of(*node, NodeKind::kFrame, sequence).number(), frame->info),
                      kForever};
    if (!emit(FrameName(sequence), entry, sequence + 1)) return;
  }
}

void FileSystem::ReadBuffersDir(const NodePtr& node, uint64_t offset, const Emit& emit) {
  const uint32_t count = static_cast<uint32_t>(node->device->pool()->memory.size());
  for (uint64_t slot = offset; slot < count; ++slot) {
    const auto index = static_cast<uint32_t>(slot);
    if (!emit(BufferName(index), LookupBuffer(node, index), slot + 1)) return;
  }
}

Entry FileSystem::Create(uint64_t parent, const std::string& name, mode_t mode,
                         const Caller& caller) {
  const Inode inode = Inode::Decode(parent);
  if (inode.kind != NodeKind::kAllocDir) throw Error(EPERM, name + ": files are made in alloc/");
  return alloc_.Create(inode, name, mode, caller);
}

void FileSystem::Rename(uint64_t parent, const std::string& name, uint64_t new_parent,
                        const std::string& new_name, unsigned flags) {
  alloc_.Rename(Inode::Decode(parent), name, Inode::Decode(new_parent), new_name, flags);
}

void FileSystem::Unlink(uint64_t parent, const std::string& name) {
  const Inode inode = Inode::Decode(parent);
  if (inode.kind == NodeKind::kAllocDir) return alloc_.Unlink(inode, name);
  if (parent == kRootInode || inode.kind != NodeKind::kFramesDir) {
    throw Error(EPERM, name + ": only frames can be unlinked");
  }
  const auto sequence = ParseFrameName(name);
  if (!sequence || !Node(inode.device)->device->pool()->ring.Unlink(*sequence)) {
    ThrowNoSuchName(name);
  }
}

}  // namespace grabfs
