// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/kinds/kind.h"

#include <fcntl.h>
#include <linux/falloc.h>

#include <algorithm>
#include <cerrno>

#include "fusefs/base/clock.h"

namespace grabfs {
namespace {

constexpr uint32_t kBlockSize = 4096;
constexpr uint32_t kSectorSize = 512;  // the unit of st_blocks

timespec ToTimespec(uint64_t ns) {
  return {.tv_sec = static_cast<time_t>(ns / kNsPerSecond),
          .tv_nsec = static_cast<long>(ns % kNsPerSecond)};
}

}  // namespace

Entry Kind::Lookup(const Place& /*place*/, const std::string& name) const {
  throw Error(ENOTDIR, name + ": not in a directory");
}

void Kind::List(const Place& /*place*/, uint64_t /*offset*/, const Emit& /*emit*/) const {
  throw Error(ENOTDIR, "not a directory");
}

Entry Kind::Create(const Place& /*place*/, const std::string& name, mode_t /*mode*/) const {
  throw Error(EPERM, name + ": files are made in alloc/");
}

Kind::Opened Kind::CreateUnnamed(const Place& /*place*/, mode_t /*mode*/) const {
  throw Error(EPERM, "files are made in alloc/");
}

void Kind::Rename(const Place& /*place*/, const std::string& name, const Inode& /*new_parent*/,
                  const std::string& /*new_name*/, unsigned /*flags*/) const {
  throw Error(EPERM, name + ": only files of alloc/ can be renamed, and only within alloc/");
}

void Kind::Unlink(const Place& /*place*/, const std::string& name) const {
  throw Error(EPERM, name + ": only frames can be unlinked");
}

std::unique_ptr<OpenFile> Kind::Open(const Place& /*place*/, int /*flags*/) const {
  throw Error(EISDIR, "a directory cannot be opened as a file");
}

std::string Kind::Target(const Place& /*place*/) const {
  throw Error(EINVAL, "not a symbolic link");
}

void Kind::SetAttr(const Place& place, const AttrChange& change, OpenFile* file,
                   AttrReply reply) const {
  if (change.mode || change.uid || change.gid) {
    throw Error(EPERM, "mode and owner are options of the mount");
  }
  const Attr attr = Stat(place);
  // A value has neither size nor times, as in sysfs. File servers truncate, and set the time of,
  // what they have opened: Samba and nfs-ganesha for each file that a client overwrites.
  if (content() == Content::kSettings && !directory()) return reply(&attr, nullptr);
  if (!change.size) throw Error(EPERM, "times are those of the capture");
  const bool by_o_trunc = change.size == 0U && file == nullptr;
  if (!by_o_trunc && *change.size != static_cast<uint64_t>(attr.stat.st_size)) {
    throw Error(EPERM, "the files of a device keep their size");
  }
  reply(&attr, nullptr);
}

void Kind::Allocate(const Place& place, int mode, uint64_t offset, uint64_t length,
                    OpenFile* /*file*/, Done done) const {
  if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0) {
    throw Error(EOPNOTSUPP, "the files of a device have no holes");
  }
  const auto size = static_cast<uint64_t>(Stat(place).stat.st_size);
  if (offset > size || length > size - offset) {
    throw Error(ENOSPC, "the files of a device do not grow");
  }
  done(nullptr);
}

bool Kind::IsPossible(const Place& place) const {
  if (place.inode.device == kMountItself) return false;
  return IsOn(*place.node()->device) && place.inode.index < std::max<size_t>(names().size(), 1);
}

Place Kind::Parent(const Place& /*place*/) const { throw Error(ENOTDIR, "not a directory"); }

void Kind::SetXattr(const Place& /*place*/, const std::string& name, std::string_view /*value*/,
                    int /*flags*/, Done /*done*/) const {
  throw Error(EPERM, name + ": files of a device describe themselves");
}

void Kind::RemoveXattr(const Place& /*place*/, const std::string& name, Done /*done*/) const {
  throw Error(EPERM, name + ": files of a device describe themselves");
}

void Kind::AddStatistics(const Place& place, struct statvfs& statistics) const {
  AddAllocStatistics(place, statistics);
  for (const NodePtr& node : place.mount.devices.All()) {
    const auto pool = node->device->pool();
    const uint64_t blocks = BlocksOf(pool->format.bytes, statistics.f_frsize);
    statistics.f_blocks += pool->memory.size() * blocks;
    statistics.f_bfree += pool->ring.Occupancy().free * blocks;
    statistics.f_files += pool->memory.size();
  }
}

Attr DirectoryKind::Stat(const Place& place) const {
  (void)place.node();  // ESTALE
  return DirAttr(place, 0);
}

void ThrowNoSuchName(const std::string& name) { throw Error(ENOENT, name + ": no such file"); }

void ThrowStale() { throw Error(ESTALE, "the frame or buffer has been replaced"); }

bool Writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

void RequireReading(int flags, std::string_view name) {
  if (Writes(flags)) throw Error(EACCES, std::string(name) + " cannot be written");
}

Attr FileAttr(const Place& place, mode_t mode, uint64_t size, double timeout) {
  const Mount::Options& options = place.mount.options;
  Attr attr{.stat = {}, .timeout = timeout};
  attr.stat.st_ino = place.inode.number();
  attr.stat.st_mode = S_IFREG | options.modes.OfFile(place.kind().content(), mode);
  attr.stat.st_nlink = 1;
  attr.stat.st_uid = options.uid;
  attr.stat.st_gid = options.gid;
  attr.stat.st_size = static_cast<off_t>(size);
  attr.stat.st_blksize = kBlockSize;
  SetTimes(attr, place.mount.mounted_at_ns);
  return attr;
}

Attr DirAttr(const Place& place, uint64_t directories) {
  // Every path walk needs the mode of each directory, so the kernel should have it cached.
  Attr attr = FileAttr(place, 0, 0, kForever);
  attr.stat.st_mode = S_IFDIR | place.mount.options.modes.OfDirectory(place.kind().content());
  attr.stat.st_nlink = 2 + directories;
  return attr;
}

void SetTimes(Attr& attr, uint64_t realtime_ns) {
  attr.stat.st_mtim = attr.stat.st_ctim = attr.stat.st_atim = ToTimespec(realtime_ns);
}

void SetBlocks(Attr& attr, uint64_t bytes) {
  attr.stat.st_blocks = static_cast<blkcnt_t>(BlocksOf(bytes, kSectorSize));
}

uint64_t BlocksOf(uint64_t bytes, uint64_t unit) { return (bytes + unit - 1) / unit; }

std::unique_ptr<DeviceUse> Use(const Place& place, const NodePtr& node) {
  return std::make_unique<DeviceUse>(node, [kernel = place.mount.kernel](const DeviceNode& last) {
    if (last.device->state().gone()) kernel->WakeHousekeeper();
  });
}

void AddAllocStatistics(const Place& place, struct statvfs& statistics) {
  const alloc::Quota& quota = place.mount.store.quota();
  const alloc::Quota::Usage total = quota.Total();
  const uint64_t unit = statistics.f_frsize;
  statistics.f_blocks += quota.limits().total_bytes / unit;
  statistics.f_bfree += (quota.limits().total_bytes - total.bytes) / unit;
  statistics.f_bavail += quota.Free(place.caller.uid) / unit;
  const uint64_t files_left = quota.limits().user_files - quota.Of(place.caller.uid).files;
  statistics.f_files += total.files + files_left;
  statistics.f_ffree += files_left;
  statistics.f_favail += files_left;
}

}  // namespace grabfs
