// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/alloc_tree.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "fusefs/vfs/alloc_file.h"
#include "fusefs/vfs/names.h"

namespace grabfs {
namespace {

using alloc::File;
using alloc::FileInfo;
using alloc::FilePtr;
using alloc::Store;

constexpr uint32_t kBlockSize = 4096;
constexpr uint32_t kSectorSize = 512;  // the unit of st_blocks
constexpr size_t kListedAtOnce = 64;
constexpr mode_t kGroupAndOthers = 0077;

constexpr std::string_view kOwnPrefix = "user.grabfs.";
constexpr std::string_view kDeviceXattr = "user.grabfs.device";
constexpr std::string_view kChargedXattr = "user.grabfs.charged";

uint64_t DirNumber(Store::DirectoryId directory) {
  return Inode{0, NodeKind::kAllocDir, directory}.number();
}

uint64_t FileNumber(const File& file) {
  return Inode{0, NodeKind::kAllocFile, file.serial()}.number();
}

[[noreturn]] void ThrowNotFound(const std::string& name) {
  throw Error(ENOENT, name + ": no such file");
}

bool Shows(const File& file, const Caller& caller) {
  const FileInfo info = file.info();
  return caller.uid == 0 || caller.uid == info.uid || (info.mode & kGroupAndOthers) != 0;
}

bool MayWrite(const FileInfo& info, const AllocTree::Writer& writer) {
  const Caller& caller = writer.caller;
  if (caller.uid == 0) return true;
  if (caller.uid == info.uid) return (info.mode & 0200) != 0;
  const bool of_group =
      caller.gid == info.gid || std::ranges::find(writer.groups, info.gid) != writer.groups.end();
  return (info.mode & (of_group ? 0020 : 0002)) != 0;
}

uint64_t Blocks(uint64_t bytes, uint32_t unit) {
  const uint64_t pages = (bytes + kBlockSize - 1) / kBlockSize;
  return pages * (kBlockSize / unit);
}

// The handle through which something is asked for.
File::Handle HandleOf(const OpenFile* file) {
  const auto* own = dynamic_cast<const AllocFile*>(file);
  return own != nullptr ? own->handle() : File::kNoHandle;
}

// The thread that changes sizes has nothing to do by itself.
std::optional<std::chrono::milliseconds> NothingRecurs() { return std::nullopt; }

}  // namespace

AllocTree::AllocTree(const Options& options, Store::Options store)
    : options_(options), store_(std::move(store)) {
  resizer_.Start(NothingRecurs);
}

FilePtr AllocTree::Get(const Inode& inode) const {
  if (inode.kind != NodeKind::kAllocFile) throw Error(EISDIR, "alloc: a directory");
  FilePtr file = store_.FindSerial(inode.index);
  if (!file) throw Error(ESTALE, "alloc: the file has been removed");
  return file;
}

// --- Names

Entry AllocTree::Lookup(const Inode& parent, const std::string& name, const Caller& caller) const {
  if (parent.kind != NodeKind::kAllocDir) throw Error(ENOTDIR, "alloc: not a directory");
  if (parent.index == Store::kRoot) {
    if (const auto directory = store_.FindDirectory(name)) return {DirAttr(*directory), 0};
  }
  const FilePtr file = store_.Find(parent.index, name);
  if (!file || !Shows(*file, caller)) ThrowNotFound(name);
  return FileEntry(*file);
}

void AllocTree::ReadDir(const Inode& inode, uint64_t offset, const Caller& caller,
                        const Emit& emit) const {
  // An entry's place is the number of its directory or file: both only rise.
  if (inode.index == Store::kRoot) {
    for (const auto& [id, device] : store_.Directories()) {
      if (id > offset && !emit(device, {DirAttr(id), 0}, id)) return;
    }
  }
  for (uint64_t next = offset + 1;;) {
    const auto files = store_.List(inode.index, next, kListedAtOnce);
    for (const Store::Named& entry : files) {
      next = entry.file->serial() + 1;
      if (!Shows(*entry.file, caller)) continue;
      if (!emit(entry.name, FileEntry(*entry.file), entry.file->serial())) return;
    }
    if (files.size() < kListedAtOnce) return;
  }
}

Entry AllocTree::Create(const Inode& parent, const std::string& name, mode_t mode,
                        const Caller& caller) {
  if (parent.index == Store::kRoot && store_.FindDirectory(name)) {
    throw Error(EEXIST, name + ": the directory of a device");
  }
  return FileEntry(*store_.Create(parent.index, name, caller, mode));
}

void AllocTree::Unlink(const Inode& parent, const std::string& name) {
  if (parent.index == Store::kRoot && store_.FindDirectory(name)) {
    throw Error(EISDIR, name + ": the directory of a device");
  }
  store_.Unlink(parent.index, name);
}

void AllocTree::Rename(const Inode& parent, const std::string& name, const Inode& new_parent,
                       const std::string& new_name, unsigned flags) {
  if (parent.kind != NodeKind::kAllocDir || new_parent.kind != NodeKind::kAllocDir) {
    throw Error(EPERM, "only files of alloc/ can be renamed, and only within alloc/");
  }
  const auto is_directory = [this](const Inode& place, const std::string& text) {
    return place.index == Store::kRoot && store_.FindDirectory(text).has_value();
  };
  if (is_directory(parent, name)) throw Error(EPERM, name + ": the directory of a device");
  if (is_directory(new_parent, new_name)) {
    throw Error(EISDIR, new_name + ": the directory of a device");
  }
  store_.Rename(parent.index, name, new_parent.index, new_name, flags);
}

// --- Attributes

Attr AllocTree::DirAttr(Store::DirectoryId directory) const {
  Attr attr{};
  attr.stat.st_ino = DirNumber(directory);
  attr.stat.st_mode = S_IFDIR | options_.mode;
  attr.stat.st_nlink = 2 + (directory == Store::kRoot ? store_.Directories().size() : 0);
  attr.stat.st_uid = options_.uid;
  attr.stat.st_gid = options_.gid;
  attr.stat.st_blksize = kBlockSize;
  attr.stat.st_atim = attr.stat.st_mtim = attr.stat.st_ctim = store_.ChangeTime(directory);
  return attr;
}

Attr AllocTree::FileAttr(const File& file) {
  const FileInfo info = file.info();
  Attr attr{};
  attr.stat.st_ino = FileNumber(file);
  attr.stat.st_mode = S_IFREG | info.mode;
  attr.stat.st_nlink = info.named ? 1 : 0;
  attr.stat.st_uid = info.uid;
  attr.stat.st_gid = info.gid;
  attr.stat.st_size = static_cast<off_t>(info.size);
  attr.stat.st_blksize = kBlockSize;
  attr.stat.st_blocks = static_cast<blkcnt_t>(Blocks(info.size, kSectorSize));
  attr.stat.st_atim = info.atime;
  attr.stat.st_mtim = info.mtime;
  attr.stat.st_ctim = info.ctime;
  return attr;
}

Attr AllocTree::GetAttr(const Inode& inode) const {
  if (inode.kind == NodeKind::kAllocFile) return FileAttr(*Get(inode));
  return DirAttr(inode.index);
}

void AllocTree::SetAttr(const Inode& inode, const AttrChange& change, OpenFile* file,
                        const Caller& caller, AttrReply reply) {
  if (inode.kind != NodeKind::kAllocFile) {
    throw Error(EPERM, "alloc: mode and owner of the directories are options of the mount");
  }
  const FilePtr target = Get(inode);
  if (change.mode) target->SetMode(*change.mode);
  if (change.uid || change.gid) target->SetOwner(change.uid, change.gid);
  if (change.atime || change.mtime) target->SetTimes(change.atime, change.mtime);
  if (!change.size) {
    const Attr attr = FileAttr(*target);
    return reply(&attr, nullptr);
  }
  const File::Handle own = HandleOf(file);
  resizer_.Post([target, own, caller, size = *change.size, reply = std::move(reply)] {
    try {
      target->Resize(size, caller, own);
    } catch (const Error& error) {
      return reply(nullptr, &error);
    }
    const Attr attr = FileAttr(*target);
    reply(&attr, nullptr);
  });
}

void AllocTree::Allocate(const Inode& inode, int mode, uint64_t offset, uint64_t length,
                         OpenFile* file, const Caller& caller, Done done) {
  const FilePtr target = Get(inode);
  if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0) {
    throw Error(EOPNOTSUPP, "alloc: memory has no holes");
  }
  const uint64_t end = offset + length;
  if (end < offset) throw Error(EFBIG, "alloc: beyond any size");
  if ((mode & FALLOC_FL_KEEP_SIZE) != 0 && end > target->size()) {
    throw Error(EOPNOTSUPP, "alloc: a file has exactly the memory of its size");
  }
  const File::Handle own = HandleOf(file);
  resizer_.Post([target, own, caller, end, done = std::move(done)] {
    try {
      target->Reserve(end, caller, own);
    } catch (const Error& error) {
      return done(&error);
    }
    done(nullptr);
  });
}

void AllocTree::AddStatistics(const Caller& caller, struct statvfs& statistics) const {
  const alloc::Quota& quota = store_.quota();
  const alloc::Quota::Usage total = quota.Total();
  statistics.f_blocks += quota.limits().total_bytes / kBlockSize;
  statistics.f_bfree += (quota.limits().total_bytes - total.bytes) / kBlockSize;
  statistics.f_bavail += quota.Free(caller.uid) / kBlockSize;
  const uint64_t files_left = quota.limits().user_files - quota.Of(caller.uid).files;
  statistics.f_files += total.files + files_left;
  statistics.f_ffree += files_left;
  statistics.f_favail += files_left;
}

// --- Opening

std::unique_ptr<OpenFile> AllocTree::Open(const Inode& inode, const Caller& caller) {
  return std::make_unique<AllocFile>(&store_, &resizer_, Get(inode), caller);
}

AllocTree::Target AllocTree::FindTarget(std::string_view text, const Writer& writer) const {
  const std::string prefix = std::string(kAllocName) + "/";
  const std::string name(text.starts_with(prefix) ? text.substr(prefix.size()) : text);
  const size_t slash = name.find('/');
  FilePtr file;
  if (slash == std::string::npos) {
    file = store_.Find(Store::kRoot, name);
  } else if (const auto directory = store_.FindDirectory(name.substr(0, slash))) {
    file = store_.Find(*directory, name.substr(slash + 1));
  }
  if (!file || !Shows(*file, writer.caller)) ThrowNotFound(prefix + name);
  if (!MayWrite(file->info(), writer)) {
    throw Error(EACCES,
                prefix + name + ": not writable by user " + std::to_string(writer.caller.uid));
  }
  return {prefix + name, FileNumber(*file), file};
}

// --- Extended attributes

std::string AllocTree::XattrNames(const Inode& inode) const {
  if (inode.kind != NodeKind::kAllocFile) return {};
  const FilePtr file = Get(inode);
  std::string names;
  const auto add = [&names](std::string_view name) { names.append(name).push_back('\0'); };
  if (!file->info().device.empty()) add(kDeviceXattr);
  add(kChargedXattr);
  for (const auto& [name, value] : file->Xattrs()) add(name);
  return names;
}

std::optional<std::string> AllocTree::Xattr(const Inode& inode, std::string_view name) const {
  if (inode.kind != NodeKind::kAllocFile) return std::nullopt;
  const FilePtr file = Get(inode);
  const FileInfo info = file->info();
  if (name == kDeviceXattr) return info.device.empty() ? std::nullopt : std::optional(info.device);
  if (name == kChargedXattr) return info.charged_to_owner ? "owner" : "daemon";
  const auto xattrs = file->Xattrs();
  const auto it = xattrs.find(name);
  return it == xattrs.end() ? std::nullopt : std::optional(it->second);
}

void AllocTree::SetXattr(const Inode& inode, const std::string& name, std::string_view value,
                         int flags, const Caller& caller) {
  const FilePtr file = Get(inode);
  if (name == kDeviceXattr) {
    return store_.Bind(file, std::string(value), caller);
  }
  if (name.starts_with(kOwnPrefix)) throw Error(EPERM, name + ": describes what is in the file");
  if (!name.starts_with("user.")) {
    throw Error(EOPNOTSUPP, name + ": only user.* attributes exist here");
  }
  file->SetXattr(name, value, (flags & XATTR_CREATE) != 0, (flags & XATTR_REPLACE) != 0);
}

void AllocTree::RemoveXattr(const Inode& inode, const std::string& name, const Caller& caller) {
  const FilePtr file = Get(inode);
  if (name == kDeviceXattr && !file->info().device.empty()) return store_.Bind(file, {}, caller);
  if (name.starts_with(kOwnPrefix)) throw Error(EPERM, name + ": describes what is in the file");
  file->RemoveXattr(name);
}

}  // namespace grabfs
