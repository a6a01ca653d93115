// SPDX-License-Identifier: Apache-2.0
//
// What is said of a file: stat(), extended attributes, statvfs().
#include "fusefs/vfs/file_system.h"

#include <fcntl.h>
#include <linux/falloc.h>

#include <cerrno>
#include <climits>

#include "fusefs/base/clock.h"
#include "fusefs/vfs/attributes.h"
#include "fusefs/vfs/control_files.h"
#include "fusefs/vfs/file_system_common.h"
#include "fusefs/vfs/status.h"
#include "fusefs/vfs/xattr.h"

namespace grabfs {
namespace {

constexpr uint32_t kBlockSize = 4096;
constexpr uint32_t kSectorSize = 512;  // the unit of st_blocks

timespec ToTimespec(uint64_t ns) {
  return {.tv_sec = static_cast<time_t>(ns / kNsPerSecond),
          .tv_nsec = static_cast<long>(ns % kNsPerSecond)};
}

}  // namespace

Attr FileSystem::GetAttr(uint64_t number) {
  if (number == kRootInode) return DirAttr(number, static_cast<uint32_t>(Nodes().size() + 1));
  if (number == kRootStatusInode) {
    return TextAttr(number, 0444, StatusText().size());
  }
  const Inode inode = Inode::Decode(number);
  if (AllocTree::Has(inode)) return alloc_.GetAttr(inode);
  const NodePtr node = Node(inode.device);
  switch (inode.kind) {
    case NodeKind::kDeviceDir:
      return DirAttr(number, (HasControls(*node->device) ? 3U : 2U) +
                                 static_cast<uint32_t>(PictureForms().size()));
    case NodeKind::kFramesDir:
    case NodeKind::kBuffersDir:
    case NodeKind::kPicturesDir:
      return DirAttr(number, 0);
    case NodeKind::kFrame: {
      const auto frame = FrameOf(number);
      if (!frame) ThrowStale();
      return FrameAttr(number, frame->second);
    }
    case NodeKind::kPicture: {
      const auto frame = FrameOf(number);
      if (!frame) ThrowStale();
      return PictureAttr(number, static_cast<PictureForm>(inode.form()), frame->first,
                         frame->second);
    }
    case NodeKind::kBuffer: {
      const auto pool = PoolOf(*node, inode.generation());
      if (!pool || inode.slot() >= pool->memory.size()) ThrowStale();
      return BufferAttr(number, *pool, inode.slot());
    }
    case NodeKind::kEvents:
    case NodeKind::kStream:
      return TextAttr(number, 0444, 0);
    case NodeKind::kStatus:
      return TextAttr(number, 0444, DeviceStatus(*node->device, data_path()).size());
    case NodeKind::kAttribute: {
      if (inode.index >= Attributes().size()) ThrowStale();
      const Attribute& attribute = Attributes()[inode.index];
      return TextAttr(number, attribute.mode, PrintAttribute(attribute, *node->device).size());
    }
    case NodeKind::kControls: {
      if (inode.index == kControlsDirectory) return DirAttr(number, 0);
      const auto control = ControlOf(*node->device, inode.index);
      if (!control) ThrowStale();
      return TextAttr(number, control->writable ? 0644 : 0444, kControlSize);
    }
    case NodeKind::kInto:
      return TextAttr(number, 0666, IntoText(*node).size());
    default:
      ThrowStale();
  }
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

Attr FileSystem::DirAttr(uint64_t inode, uint32_t directories) const {
  // Every path walk asks for the mode of each directory, so it had better be known.
  Attr attr{BaseStat(inode, S_IFDIR | 0755, 0), kForever};
  attr.stat.st_nlink = 2 + directories;
  return attr;
}

Attr FileSystem::TextAttr(uint64_t inode, mode_t mode, uint64_t size) const {
  return {BaseStat(inode, S_IFREG | mode, size), kNotAtAll};
}

Attr FileSystem::FrameAttr(uint64_t inode, const FrameInfo& info) const {
  Attr attr{BaseStat(inode, S_IFREG | 0444, info.bytes_used), kForever};
  attr.stat.st_mtim = attr.stat.st_ctim = attr.stat.st_atim = ToTimespec(info.realtime_ns);
  attr.stat.st_blocks = static_cast<blkcnt_t>((info.bytes_used + kSectorSize - 1) / kSectorSize);
  return attr;
}

Attr FileSystem::BufferAttr(uint64_t inode, Pool& pool, uint32_t slot) const {
  // Noted before the look: a frame that completes in between withdraws what is returned here.
  pool.notes[slot] |= Pool::kBufferAttrKnown;
  Attr attr{BaseStat(inode, S_IFREG | 0644, pool.format.bytes), kForever};
  if (const auto info = pool.ring.At(slot)) {
    attr.stat.st_mtim = attr.stat.st_ctim = attr.stat.st_atim = ToTimespec(info->realtime_ns);
  }
  attr.stat.st_blocks = static_cast<blkcnt_t>((pool.format.bytes + kSectorSize - 1) / kSectorSize);
  return attr;
}

void FileSystem::SetAttr(uint64_t number, const AttrChange& change, OpenFile* file,
                         const Caller& caller, AttrReply reply) {
  const Inode inode = Inode::Decode(number);
  if (AllocTree::Has(inode)) {
    return alloc_.SetAttr(inode, change, file, caller, std::move(reply));
  }
  const Attr attr = SameSize(number, change, file != nullptr);
  reply(&attr, nullptr);
}

Attr FileSystem::SameSize(uint64_t inode, const AttrChange& change, bool of_open_file) {
  if (change.mode || change.uid || change.gid) {
    throw Error(EPERM, "mode and owner are options of the mount");
  }
  if (!change.size) throw Error(EPERM, "times are those of the capture");
  const Attr attr = GetAttr(inode);
  const bool by_o_trunc = change.size == 0U && !of_open_file;
  if (!by_o_trunc && *change.size != static_cast<uint64_t>(attr.stat.st_size)) {
    throw Error(EPERM, "the files of a device keep their size");
  }
  return attr;
}

void FileSystem::Allocate(uint64_t inode, int mode, uint64_t offset, uint64_t length,
                          OpenFile* file, const Caller& caller, Done done) {
  if (const Inode place = Inode::Decode(inode); AllocTree::Has(place)) {
    return alloc_.Allocate(place, mode, offset, length, file, caller, std::move(done));
  }
  if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0) {
    throw Error(EOPNOTSUPP, "the files of a device have no holes");
  }
  const auto size = static_cast<uint64_t>(GetAttr(inode).stat.st_size);
  if (offset > size || length > size - offset) {
    throw Error(ENOSPC, "the files of a device do not grow");
  }
  done(nullptr);
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
  const bool picture = inode.kind == NodeKind::kPicture;
  if (inode.kind != NodeKind::kFrame && !picture) return std::nullopt;
  const uint64_t sequence = picture ? inode.sequence() : inode.index;
  auto pools = node->device->retired_pools();
  pools.insert(pools.begin(), node->device->pool());
  for (const auto& pool : pools) {
    if (const auto frame = pool->ring.Find(sequence)) return std::pair(pool->format, frame->info);
  }
  return std::nullopt;
}

std::string FileSystem::XattrNames(uint64_t inode) {
  if (inode == kRootInode || inode == kRootStatusInode) return {};
  if (const Inode place = Inode::Decode(inode); AllocTree::Has(place)) {
    return alloc_.XattrNames(place);
  }
  const auto frame = FrameOf(inode);
  return frame ? FrameXattrNames(frame->first, frame->second) : std::string();
}

std::string FileSystem::Xattr(uint64_t inode, std::string_view name) {
  // Told so of one file, ls asks no further file for its security label and access control list.
  if (!name.starts_with("user.")) {
    throw Error(EOPNOTSUPP, std::string(name) + ": only user.* attributes exist here");
  }
  const Inode place = Inode::Decode(inode);
  if (AllocTree::Has(place)) {
    if (auto value = alloc_.Xattr(place, name)) return *value;
  } else if (place.kind != NodeKind::kMount && name.starts_with("user.grabfs.")) {
    if (const auto frame = FrameOf(inode)) {
      if (auto value = FrameXattr(name, frame->first, frame->second)) return *value;
    }
  }
  throw Error(ENODATA, std::string(name) + ": no such extended attribute");
}

void FileSystem::SetXattr(uint64_t inode, const std::string& name, std::string_view value,
                          int flags, const Caller& caller) {
  const Inode place = Inode::Decode(inode);
  if (!AllocTree::Has(place)) throw Error(EPERM, name + ": files of a device describe themselves");
  alloc_.SetXattr(place, name, value, flags, caller);
}

void FileSystem::RemoveXattr(uint64_t inode, const std::string& name, const Caller& caller) {
  const Inode place = Inode::Decode(inode);
  if (!AllocTree::Has(place)) throw Error(EPERM, name + ": files of a device describe themselves");
  alloc_.RemoveXattr(place, name, caller);
}

struct statvfs FileSystem::Statistics(uint64_t inode, const Caller& caller) {
  struct statvfs statistics = {};
  statistics.f_bsize = statistics.f_frsize = kBlockSize;
  statistics.f_namemax = NAME_MAX;
  alloc_.AddStatistics(caller, statistics);
  if (AllocTree::Has(Inode::Decode(inode))) return statistics;
  for (const NodePtr& node : Nodes()) {
    const auto pool = node->device->pool();
    const uint64_t blocks = (pool->format.bytes + kBlockSize - 1) / kBlockSize;
    statistics.f_blocks += pool->memory.size() * blocks;
    statistics.f_bfree += pool->ring.Occupancy().free * blocks;
    statistics.f_files += pool->memory.size();
  }
  return statistics;
}

}  // namespace grabfs
