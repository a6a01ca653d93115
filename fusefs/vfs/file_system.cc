// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/file_system.h"

#include <fcntl.h>
#include <linux/falloc.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "fusefs/base/clock.h"
#include "fusefs/vfs/attributes.h"
#include "fusefs/vfs/files.h"
#include "fusefs/vfs/mapping_scan.h"
#include "fusefs/vfs/names.h"
#include "fusefs/vfs/status.h"
#include "fusefs/vfs/xattr.h"

namespace grabfs {
namespace {

// What never changes, or is withdrawn by Kernel::Forget...() when it does, may be kept for good.
constexpr double kForever = 86400.0;
constexpr double kNotAtAll = 0.0;
constexpr uint32_t kBlockSize = 4096;
constexpr uint32_t kSectorSize = 512;  // the unit of st_blocks

timespec ToTimespec(uint64_t ns) {
  return {.tv_sec = static_cast<time_t>(ns / kNsPerSecond),
          .tv_nsec = static_cast<long>(ns % kNsPerSecond)};
}

bool Writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

[[noreturn]] void ThrowNoSuchName(const std::string& name) {
  throw Error(ENOENT, name + ": no such file");
}

[[noreturn]] void ThrowStale() { throw Error(ESTALE, "the frame or buffer has been replaced"); }

constexpr Inode Of(const DeviceNode& node, NodeKind kind, uint64_t index = 0) {
  return {node.number, kind, index};
}

// The entries of a device directory besides the attributes, in the order of readdir().
struct FixedName {
  std::string_view name;
  NodeKind kind;
};
constexpr FixedName kDeviceNames[] = {
    {kFramesName, NodeKind::kFramesDir},
    {kBuffersName, NodeKind::kBuffersDir},
    {kEventsName, NodeKind::kEvents},
    {kStatusName, NodeKind::kStatus},
};

}  // namespace

FileSystem::FileSystem(Options options, std::vector<std::unique_ptr<Device>> devices)
    : options_(std::move(options)), mounted_at_ns_(RealtimeNs()) {
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
  // Open files may keep a device; its thread ends all the same.
  for (const auto& [name, node] : nodes) node->device->Halt();
}

void FileSystem::AddDevice(std::unique_ptr<Device> device) {
  const std::lock_guard membership(membership_);
  NodePtr node;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    const std::string& name = device->name();
    const auto it = by_name_.find(name);
    if (it != by_name_.end() && !it->second->device->state().unplugged) {
      throw Error(EEXIST, "device name '" + name + "' is given twice");
    }
    node = std::make_shared<DeviceNode>(next_number_++, std::move(device));
    by_name_[node->device->name()] = node;
    by_number_[node->number] = node;
    if (!running_) return;
  }
  kernel_->DropName(kRootInode, node->device->name());
  kernel_->ForgetAttributes(kRootInode);
  node->device->Run(this);
}

bool FileSystem::HasDevice(const std::string& name) const {
  const NodePtr node = NodeNamed(name);
  return node && !node->device->state().unplugged;
}

// --- Names

FileSystem::Entry FileSystem::Lookup(uint64_t parent, const std::string& name) {
  if (parent == kRootInode) return LookupInMount(name);
  const Inode inode = Inode::Decode(parent);
  const NodePtr node = Node(inode.device);
  if (inode.kind == NodeKind::kDeviceDir) return LookupInDevice(node, name);
  if (inode.kind == NodeKind::kFramesDir) {
    const auto sequence = ParseFrameName(name);
    if (!sequence) ThrowNoSuchName(name);
    return LookupFrame(node, *sequence);
  }
  const auto slot = ParseBufferName(name);
  if (!slot) ThrowNoSuchName(name);
  return LookupBuffer(node, *slot);
}

FileSystem::Entry FileSystem::LookupInMount(const std::string& name) {
  if (name == kStatusName) return {GetAttr(kRootStatusInode), kForever};
  const NodePtr node = NodeNamed(name);
  if (!node) ThrowNoSuchName(name);
  return {GetAttr(Of(*node, NodeKind::kDeviceDir).number()), kForever};
}

FileSystem::Entry FileSystem::LookupInDevice(const NodePtr& node, const std::string& name) {
  if (name == kLatestName) return LookupLatest(node);
  for (const FixedName& fixed : kDeviceNames) {
    if (name == fixed.name) return {GetAttr(Of(*node, fixed.kind).number()), kForever};
  }
  const Attribute* attribute = FindAttribute(name);
  if (attribute == nullptr) ThrowNoSuchName(name);
  const uint64_t row = static_cast<uint64_t>(attribute - Attributes().data());
  return {GetAttr(Of(*node, NodeKind::kAttribute, row).number()), kForever};
}

FileSystem::Entry FileSystem::LookupLatest(const NodePtr& node) {
  const auto pool = node->device->pool();
  const bool guard = node->guards.Wanted();
  const auto newest = guard ? node->guards.GuardNewest(pool) : pool->ring.Newest();
  if (guard) kernel_->WakeHousekeeper();
  if (!newest) ThrowNoSuchName(std::string(kLatestName));
  const uint64_t inode = Of(*node, NodeKind::kFrame, newest->info.sequence).number();
  return {FrameAttr(inode, newest->info), kNotAtAll};
}

FileSystem::Entry FileSystem::LookupFrame(const NodePtr& node, uint64_t sequence) {
  const auto pool = node->device->pool();
  // Noted before the look, so that the frame cannot go away in between without being withdrawn.
  const auto seen = pool->ring.NextFrom(sequence);
  if (!seen || seen->info.sequence != sequence) ThrowNoSuchName(FrameName(sequence));
  pool->notes[seen->slot] |= Pool::kFrameNameKnown;
  if (!pool->ring.Named(sequence)) ThrowNoSuchName(FrameName(sequence));
  return {FrameAttr(Of(*node, NodeKind::kFrame, sequence).number(), seen->info), kForever};
}

FileSystem::Entry FileSystem::LookupBuffer(const NodePtr& node, uint32_t slot) {
  const auto pool = node->device->pool();
  if (slot >= pool->memory.size()) ThrowNoSuchName(BufferName(slot));
  pool->notes[slot] |= Pool::kBufferNameKnown;
  const uint64_t inode = Inode::Buffer(node->number, pool->generation, slot).number();
  return {BufferAttr(inode, *pool, slot), kForever};
}

void FileSystem::ReadDir(uint64_t number, uint64_t offset, const Emit& emit) {
  if (number == kRootInode) return ReadMountDir(offset, emit);
  const Inode inode = Inode::Decode(number);
  const NodePtr node = Node(inode.device);
  if (inode.kind == NodeKind::kDeviceDir) return ReadDeviceDir(node, offset, emit);
  if (inode.kind == NodeKind::kFramesDir) return ReadFramesDir(node, offset, emit);
  ReadBuffersDir(node, offset, emit);
}

void FileSystem::ReadMountDir(uint64_t offset, const Emit& emit) {
  // Offset 1 is status.json, 2 + n the device of number n, so devices may come and go meanwhile.
  if (offset < 1 && !emit(std::string(kStatusName), LookupInMount(std::string(kStatusName)), 1)) {
    return;
  }
  auto nodes = Nodes();
  std::ranges::sort(nodes, {}, [](const NodePtr& node) { return node->number; });
  for (const NodePtr& node : nodes) {
    const uint64_t next = node->number + 2;
    if (next <= offset) continue;
    const Entry entry{GetAttr(Of(*node, NodeKind::kDeviceDir).number()), kForever};
    if (!emit(node->device->name(), entry, next)) return;
  }
}

void FileSystem::ReadDeviceDir(const NodePtr& node, uint64_t offset, const Emit& emit) {
  std::vector<std::string> names;
  for (const FixedName& fixed : kDeviceNames) names.emplace_back(fixed.name);
  for (const Attribute& attribute : Attributes()) names.emplace_back(attribute.name);
  // Last, because it may be absent and must not shift the others.
  if (node->device->pool()->ring.Newest()) names.emplace_back(kLatestName);
  for (uint64_t i = offset; i < names.size(); ++i) {
    try {
      if (!emit(names[i], LookupInDevice(node, names[i]), i + 1)) return;
    } catch (const Error& error) {
      if (error.code() != ENOENT) throw;  // latest.raw went away meanwhile
    }
  }
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

// --- Attributes

FileSystem::Attr FileSystem::GetAttr(uint64_t number) {
  if (number == kRootInode) return DirAttr(number, static_cast<uint32_t>(Nodes().size()));
  if (number == kRootStatusInode) {
    return TextAttr(number, 0444, MountStatus(options_.mountpoint, Nodes(), data_path()).size());
  }
  const Inode inode = Inode::Decode(number);
  const NodePtr node = Node(inode.device);
  switch (inode.kind) {
    case NodeKind::kDeviceDir:
      return DirAttr(number, 2);
    case NodeKind::kFramesDir:
    case NodeKind::kBuffersDir:
      return DirAttr(number, 0);
    case NodeKind::kFrame: {
      const auto frame = FrameOf(number);
      if (!frame) ThrowStale();
      return FrameAttr(number, frame->second);
    }
    case NodeKind::kBuffer: {
      const auto pool = PoolOf(*node, inode.generation());
      if (!pool || inode.slot() >= pool->memory.size()) ThrowStale();
      return BufferAttr(number, *pool, inode.slot());
    }
    case NodeKind::kEvents:
      return TextAttr(number, 0444, 0);
    case NodeKind::kStatus:
      return TextAttr(number, 0444, DeviceStatus(*node->device, data_path()).size());
    case NodeKind::kAttribute: {
      if (inode.index >= Attributes().size()) ThrowStale();
      const Attribute& attribute = Attributes()[inode.index];
      return TextAttr(number, attribute.mode, PrintAttribute(attribute, *node->device).size());
    }
    case NodeKind::kMount:
      break;
  }
  ThrowStale();
}

struct stat FileSystem::BaseStat(uint64_t inode, mode_t mode, uint64_t size) const {
  struct stat stat = {};
  stat.st_ino = inode;
  stat.st_mode = mode & ~(options_.umask & 0777);
  stat.st_nlink = 1;
  stat.st_uid = options_.uid;
  stat.st_gid = options_.gid;
  stat.st_size = static_cast<off_t>(size);
  stat.st_blksize = kBlockSize;
  stat.st_mtim = stat.st_ctim = stat.st_atim = ToTimespec(mounted_at_ns_);
  return stat;
}

FileSystem::Attr FileSystem::DirAttr(uint64_t inode, uint32_t directories) const {
  // Every path walk asks for the mode of each directory, so it had better be known.
  Attr attr{BaseStat(inode, S_IFDIR | 0755, 0), kForever};
  attr.stat.st_nlink = 2 + directories;
  return attr;
}

FileSystem::Attr FileSystem::TextAttr(uint64_t inode, mode_t mode, uint64_t size) const {
  return {BaseStat(inode, S_IFREG | mode, size), kNotAtAll};
}

FileSystem::Attr FileSystem::FrameAttr(uint64_t inode, const FrameInfo& info) const {
  Attr attr{BaseStat(inode, S_IFREG | 0444, info.bytes_used), kForever};
  attr.stat.st_mtim = attr.stat.st_ctim = attr.stat.st_atim = ToTimespec(info.realtime_ns);
  attr.stat.st_blocks = static_cast<blkcnt_t>((info.bytes_used + kSectorSize - 1) / kSectorSize);
  return attr;
}

FileSystem::Attr FileSystem::BufferAttr(uint64_t inode, Pool& pool, uint32_t slot) const {
  // Noted before the look: a frame that completes in between withdraws what is returned here.
  pool.notes[slot] |= Pool::kBufferAttrKnown;
  Attr attr{BaseStat(inode, S_IFREG | 0644, pool.format.bytes), kForever};
  if (const auto info = pool.ring.At(slot)) {
    attr.stat.st_mtim = attr.stat.st_ctim = attr.stat.st_atim = ToTimespec(info->realtime_ns);
  }
  attr.stat.st_blocks = static_cast<blkcnt_t>((pool.format.bytes + kSectorSize - 1) / kSectorSize);
  return attr;
}

FileSystem::Attr FileSystem::SetSize(uint64_t inode, uint64_t size, bool of_open_file) {
  const Attr attr = GetAttr(inode);
  const bool by_o_trunc = size == 0 && !of_open_file;
  if (!by_o_trunc && size != static_cast<uint64_t>(attr.stat.st_size)) {
    throw Error(EPERM, "the files of a device keep their size");
  }
  return attr;
}

void FileSystem::Allocate(uint64_t inode, int mode, uint64_t offset, uint64_t length) {
  if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0) {
    throw Error(EOPNOTSUPP, "the files of a device have no holes");
  }
  const auto size = static_cast<uint64_t>(GetAttr(inode).stat.st_size);
  if (offset > size || length > size - offset) {
    throw Error(ENOSPC, "the files of a device do not grow");
  }
}

std::optional<std::pair<FrameFormat, FrameInfo>> FileSystem::FrameOf(uint64_t number) const {
  const Inode inode = Inode::Decode(number);
  const NodePtr node = Node(inode.device);
  if (inode.kind == NodeKind::kBuffer) {
    const auto pool = PoolOf(*node, inode.generation());
    const auto info =
        pool && inode.slot() < pool->memory.size() ? pool->ring.At(inode.slot()) : std::nullopt;
    if (!info) return std::nullopt;
    return std::pair(pool->format, *info);
  }
  if (inode.kind != NodeKind::kFrame) return std::nullopt;
  auto pools = node->device->retired_pools();
  pools.insert(pools.begin(), node->device->pool());
  for (const auto& pool : pools) {
    if (const auto frame = pool->ring.Find(inode.index))
      return std::pair(pool->format, frame->info);
  }
  return std::nullopt;
}

std::string FileSystem::XattrNames(uint64_t inode) {
  if (inode == kRootInode || inode == kRootStatusInode) return {};
  return FrameOf(inode) ? FrameXattrNames() : std::string();
}

std::string FileSystem::Xattr(uint64_t inode, std::string_view name) {
  // Told so of one file, ls asks no further file for its security label and access control list.
  if (!name.starts_with("user.")) {
    throw Error(EOPNOTSUPP, std::string(name) + ": only user.* attributes exist here");
  }
  if (inode != kRootInode && inode != kRootStatusInode && name.starts_with("user.grabfs.")) {
    if (const auto frame = FrameOf(inode)) {
      if (auto value = FrameXattr(name, frame->first, frame->second)) return *value;
    }
  }
  throw Error(ENODATA, std::string(name) + ": no such extended attribute");
}

struct statvfs FileSystem::Statistics() {
  struct statvfs statistics = {};
  statistics.f_bsize = statistics.f_frsize = kBlockSize;
  statistics.f_namemax = NAME_MAX;
  for (const NodePtr& node : Nodes()) {
    const auto pool = node->device->pool();
    const uint64_t blocks = (pool->format.bytes + kBlockSize - 1) / kBlockSize;
    statistics.f_blocks += pool->memory.size() * blocks;
    statistics.f_bfree += pool->ring.Occupancy().free * blocks;
    statistics.f_files += pool->memory.size();
  }
  statistics.f_bavail = 0;  // nothing can be created
  return statistics;
}

// --- Opening

std::unique_ptr<OpenFile> FileSystem::Open(uint64_t number, int flags) {
  if (number == kRootStatusInode) {
    return std::make_unique<TextFile>(
        nullptr, [this] { return MountStatus(options_.mountpoint, Nodes(), data_path()); },
        nullptr);
  }
  const Inode inode = Inode::Decode(number);
  const NodePtr node = Node(inode.device);
  switch (inode.kind) {
    case NodeKind::kFrame:
      return OpenFrame(node, inode.index, flags);
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

std::unique_ptr<OpenFile> FileSystem::OpenFrame(const NodePtr& node, uint64_t sequence, int flags) {
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
  if (node->guards.Wanted()) node->guards.Opened(*pool, sequence);
  return std::make_unique<FrameFile>(Use(node), std::move(pool), *frame,
                                     [this] { kernel_->WakeHousekeeper(); });
}

void FileSystem::Unlink(uint64_t parent, const std::string& name) {
  const Inode inode = Inode::Decode(parent);
  if (parent == kRootInode || inode.kind != NodeKind::kFramesDir) {
    throw Error(EPERM, name + ": only frames can be unlinked");
  }
  const auto sequence = ParseFrameName(name);
  if (!sequence || !Node(inode.device)->device->pool()->ring.Unlink(*sequence)) {
    ThrowNoSuchName(name);
  }
}

LockTable::Outcome FileSystem::Lock(uint64_t number, uint64_t owner, LockTable::Mode mode,
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
  return locks_.Lock(number, owner, mode, wait, hold, std::move(granted));
}

// --- Devices

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
  if (node.device->state().unplugged) kernel_->WakeHousekeeper();
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
  const uint64_t frames = Of(*node, NodeKind::kFramesDir).number();
  for (const uint64_t sequence : sequences) kernel_->DropName(frames, FrameName(sequence));
  const uint64_t buffers = Of(*node, NodeKind::kBuffersDir).number();
  for (uint32_t slot = 0; slot < old.memory.size(); ++slot) {
    if ((old.notes[slot] & Pool::kBufferNameKnown) != 0) {
      kernel_->DropName(buffers, BufferName(slot));
    }
  }
}

void FileSystem::OnRefilled(const Device& device, Pool& pool, uint32_t slot) {
  if (passthrough_ || (pool.notes[slot] & Pool::kBufferPagesKnown) == 0) return;
  const NodePtr node = NodeNamed(device.name());
  if (node) kernel_->DropPages(Inode::Buffer(node->number, pool.generation, slot).number());
}

void FileSystem::OnFillEnded(const Device& device, Pool& pool, uint32_t slot) {
  const NodePtr node = NodeNamed(device.name());
  if (!node) return;
  const uint64_t inode = Inode::Buffer(node->number, pool.generation, slot).number();
  locks_.Retry(inode);
  const uint32_t known = pool.notes[slot].fetch_and(~static_cast<uint32_t>(Pool::kBufferAttrKnown));
  if ((known & Pool::kBufferAttrKnown) != 0) kernel_->ForgetAttributes(inode);
}

void FileSystem::OnUnplugged(const Device& /*device*/) { kernel_->WakeHousekeeper(); }

DataPath FileSystem::data_path() const {
  const std::lock_guard lock(mutex_);
  return data_path_;
}

// --- Housekeeping

std::optional<FileSystem::WorkerTime> FileSystem::Housekeep() {
  using std::chrono::steady_clock;
  constexpr WorkerTime kShortest{20};
  constexpr WorkerTime kLongest{500};
  constexpr int kShareOfTime = 10;  // looking takes at most a tenth of the time

  const auto begin = steady_clock::now();
  bool again = false;
  std::vector<NodePtr> gone;
  for (const NodePtr& node : Nodes()) {
    if (node->device->state().unplugged && node->open_files == 0) {
      gone.push_back(node);
      continue;
    }
    again |= node->guards.Expire();
    auto pools = node->device->retired_pools();
    pools.push_back(node->device->pool());
    for (const auto& pool : pools) again |= SettleMapped(*node, *pool);
  }
  for (const NodePtr& node : gone) RemoveDevice(node);
  if (!again) return std::nullopt;
  const auto took = std::chrono::duration_cast<WorkerTime>(steady_clock::now() - begin);
  return std::clamp(took * kShareOfTime, kShortest, kLongest);
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
