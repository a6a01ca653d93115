// SPDX-License-Identifier: Apache-2.0
//
// The devices of the mount, and what they report.
#include "fusefs/vfs/file_system.h"

#include <cerrno>
#include <utility>

#include "fusefs/alloc/device_storage.h"
#include "fusefs/alloc/memfd_storage.h"
#include "fusefs/base/clock.h"
#include "fusefs/vfs/file_system_common.h"
#include "fusefs/vfs/files.h"
#include "fusefs/vfs/names.h"
#include "fusefs/vfs/status.h"

namespace grabfs {

FileSystem::FileSystem(Options options, std::vector<std::unique_ptr<Device>> devices)
    : options_(std::move(options)),
      mounted_at_ns_(RealtimeNs()),
      hold_limit_(options_.hold_percent, options_.uid),
      alloc_({.uid = options_.uid, .gid = options_.gid, .mode = options_.alloc_mode},
             {.limits = options_.alloc_limits,
              .mapped_by_others =
                  [this](uint64_t serial, const Caller& caller) {
                    return MappedByOthers(serial, caller);
                  },
              .make_storage = [this](const std::string& device,
                                     const std::string& name) { return MakeStorage(device, name); },
              .on_lingering = [this] { kernel_->WakeHousekeeper(); }}) {
  for (auto& device : devices) AddDevice(std::move(device));
}

FileSystem::~FileSystem() { Stop(); }

void FileSystem::Start(const DataPath& path) {
  const std::lock_guard membership(membership_);
  {
    const std::lock_guard lock(mutex_);
    data_path_ = path;
    running_ = true;
  }
  passthrough_ = path.passthrough;
  stream_tasks_.Start([] { return std::nullopt; });
  for (const NodePtr& node : Nodes()) node->device->Run(this);
}

void FileSystem::Stop() {
  const std::lock_guard membership(membership_);
  std::map<std::string, NodePtr> nodes;
  {
    const std::lock_guard lock(mutex_);
    running_ = false;
    stopped_ = true;
    nodes.swap(by_name_);
  }
  // What was written to output devices shall be on them.
  for (const auto& [name, node] : nodes) {
    if (node->device->output()) Flush(*node, node->device->sees_writes());
  }
  // Open files may keep a device; its thread ends all the same.
  for (const auto& [name, node] : nodes) node->device->Halt();
  stream_tasks_.Stop();  // now that all streams have ended
  alloc_.Stop();
}

void FileSystem::AddDevice(std::unique_ptr<Device> device) {
  const std::lock_guard membership(membership_);
  alloc_.AddDevice(device->name());
  NodePtr node;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    const std::string& name = device->name();
    const auto it = by_name_.find(name);
    if (it != by_name_.end() && !it->second->device->state().gone()) {
      throw Error(EEXIST, "device name '" + name + "' is given twice");
    }
    node = std::make_shared<DeviceNode>(next_number_++, std::move(device));
    by_name_[node->device->name()] = node;
    by_number_[node->number] = node;
    if (!running_) return;
  }
  kernel_->DropNames({{kRootInode, node->device->name()}});
  kernel_->ForgetAttributes(kRootInode);
  node->device->Run(this);
}

std::unique_ptr<alloc::Storage> FileSystem::MakeStorage(const std::string& device,
                                                        const std::string& name) {
  if (device.empty()) return alloc::MakeMemfdStorage(name);
  const NodePtr node = NodeNamed(device);
  if (!node || node->device->state().gone()) throw Error(ENODEV, device + ": no such device");
  const auto& allocator = node->device->allocator();
  return allocator ? alloc::MakeDeviceStorage(allocator, name) : alloc::MakeMemfdStorage(name);
}

std::string FileSystem::StatusText() const {
  return MountStatus(options_.mountpoint, Nodes(), data_path(), alloc_.quota());
}

bool FileSystem::HasDevice(const std::string& name) const {
  const NodePtr node = NodeNamed(name);
  return node && !node->device->state().gone();
}

FileSystem::NodePtr FileSystem::Node(uint32_t number) const {
  const std::lock_guard lock(mutex_);
  const auto it = by_number_.find(number);
  NodePtr node = it == by_number_.end() ? nullptr : it->second.lock();
  if (!node) throw Error(ESTALE, "the device has left the mount");
  return node;
}

FileSystem::NodePtr FileSystem::NodeNamed(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

std::vector<FileSystem::NodePtr> FileSystem::Nodes() const {
  std::vector<NodePtr> nodes;
  const std::lock_guard lock(mutex_);
  nodes.reserve(by_name_.size());
  for (const auto& [name, node] : by_name_) nodes.push_back(node);
  return nodes;
}

std::shared_ptr<Pool> FileSystem::PoolOf(const DeviceNode& node, uint32_t generation) {
  auto pool = node.device->pool();
  if (pool->generation == generation) return pool;
  for (auto& retired : node.device->retired_pools()) {
    if (retired->generation == generation) return retired;
  }
  return nullptr;
}

std::unique_ptr<DeviceUse> FileSystem::Use(const NodePtr& node) {
  return std::make_unique<DeviceUse>(node,
                                     [this](const DeviceNode& last) { LastFileClosed(last); });
}

void FileSystem::LastFileClosed(const DeviceNode& node) {
  if (node.device->state().gone()) kernel_->WakeHousekeeper();
}

void FileSystem::OnFrameGone(const Device& device, uint64_t sequence, uint32_t notes) {
  if ((notes & Pool::kFrameNameKnown) == 0) return;
  const NodePtr node = NodeNamed(device.name());
  if (!node || node->device.get() != &device) return;
  kernel_->ForgetName(Of(*node, NodeKind::kFramesDir).number(),
                      Of(*node, NodeKind::kFrame, sequence).number(), FrameName(sequence));
}

void FileSystem::OnPoolReplaced(const Device& device, Pool& old,
                                std::span<const uint64_t> sequences) {
  const NodePtr node = NodeNamed(device.name());
  if (!node) return;
  std::vector<Kernel::Name> names;
  const uint64_t frames = Of(*node, NodeKind::kFramesDir).number();
  for (const uint64_t sequence : sequences) names.push_back({frames, FrameName(sequence)});
  const uint64_t buffers = Of(*node, NodeKind::kBuffersDir).number();
  for (uint32_t slot = 0; slot < old.memory.size(); ++slot) {
    if ((old.notes[slot] & Pool::kBufferNameKnown) != 0) {
      names.push_back({buffers, BufferName(slot)});
    }
  }
  if (!names.empty()) kernel_->DropNames(std::move(names));
}

void FileSystem::OnRefilled(const Device& device, Pool& pool, uint32_t slot) {
  if (passthrough_ || (pool.notes[slot] & Pool::kBufferPagesKnown) == 0) return;
  const NodePtr node = NodeNamed(device.name());
  if (!node) return;
  pool.outdated[slot].Replaced(pool.format.bytes);
  kernel_->DropPages(Inode::Buffer(node->number, pool.generation, slot).number());
}

void FileSystem::OnFillEnded(const Device& device, Pool& pool, uint32_t slot) {
  const NodePtr node = NodeNamed(device.name());
  if (!node) return;
  const uint64_t inode = Inode::Buffer(node->number, pool.generation, slot).number();
  locks_.Retry(inode);
  const uint32_t known = pool.notes[slot].fetch_and(~static_cast<uint32_t>(Pool::kBufferAttrKnown));
  if ((known & Pool::kBufferAttrKnown) != 0) kernel_->ForgetAttributes(inode);
}

void FileSystem::OnDoubt(const Device& /*device*/) { kernel_->WakeHousekeeper(); }

void FileSystem::OnUnplugged(const Device& /*device*/) { kernel_->WakeHousekeeper(); }

DataPath FileSystem::data_path() const {
  const std::lock_guard lock(mutex_);
  return data_path_;
}

}  // namespace grabfs
