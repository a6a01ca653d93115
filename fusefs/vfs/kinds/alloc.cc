// SPDX-License-Identifier: Apache-2.0
//
// alloc/: memory of the users' own. The files themselves are in fusefs/alloc. Its threads allocate
// and free memory, and reply to those requests.
#include "fusefs/vfs/kinds/alloc.h"

#include <linux/falloc.h>
#include <sys/xattr.h>

#include <cerrno>
#include <span>
#include <utility>
#include <vector>

#include "fusefs/vfs/kinds/table.h"

namespace grabfs {
namespace {

using alloc::File;
using alloc::FileInfo;
using alloc::FilePtr;
using alloc::Store;

constexpr mode_t kGroupAndOthers = 0077;
constexpr uint64_t kPageSize = 4096;

constexpr std::string_view kOwnPrefix = "user.grabfs.";
constexpr std::string_view kDeviceXattr = "user.grabfs.device";
constexpr std::string_view kChargedXattr = "user.grabfs.charged";

class OpenAlloc final : public OpenFile {
 public:
  OpenAlloc(const Place& place, FilePtr file)
      : store_(place.mount.store),
        file_(std::move(file)),
        opener_(place.caller),
        handle_(file_->Opened(opener_)),
        backing_{file_, file_->backing_fd(), &file_->attachment()} {}
  ~OpenAlloc() override {
    file_->Closed(handle_, direct_);
    store_.Closed(file_);
  }

  [[nodiscard]] File::Handle handle() const { return handle_; }

  [[nodiscard]] bool uncached() const override { return false; }
  [[nodiscard]] const Backing* backing() const override {
    return backing_.fd >= 0 ? &backing_ : nullptr;
  }
  void UsesBackingDirectly() override { direct_ = true; }

  void Read(uint64_t offset, size_t size, bool /*wait*/, ReadReply reply) override {
    std::vector<std::byte> data(size);
    const size_t count = file_->Read(offset, data);
    reply(std::span(data).first(count), nullptr);
  }

  void Write(uint64_t offset, std::span<const std::byte> data, bool writeback,
             WriteReply reply) override {
    auto done = [reply = std::move(reply), size = data.size()](const Error* error) {
      reply(error != nullptr ? 0 : size, error);
    };
    if (writeback) {
      file_->WriteBack(offset, data, opener_, std::move(done));
    } else {
      file_->Write(offset, data, opener_, handle_, std::move(done));
    }
  }

 private:
  Store& store_;
  const FilePtr file_;
  const Caller opener_;
  const File::Handle handle_;
  const Backing backing_;
  bool direct_ = false;
};

// The handle of the open file through which a request came.
File::Handle HandleOf(const OpenFile* file) {
  const auto* own = dynamic_cast<const OpenAlloc*>(file);
  return own != nullptr ? own->handle() : File::kNoHandle;
}

FilePtr FileOf(const Place& place) {
  FilePtr file = place.mount.store.FindSerial(place.inode.index);
  if (!file) throw Error(ESTALE, "alloc: the file has been removed");
  return file;
}

Attr AttrOf(const File& file) {
  const FileInfo info = file.info();
  Attr attr{};
  attr.stat.st_ino = AllocFileInode(file);
  attr.stat.st_mode = S_IFREG | info.mode;
  attr.stat.st_nlink = info.named ? 1 : 0;
  attr.stat.st_uid = info.uid;
  attr.stat.st_gid = info.gid;
  attr.stat.st_size = static_cast<off_t>(info.size);
  attr.stat.st_blksize = kPageSize;
  SetBlocks(attr, BlocksOf(info.reserved, kPageSize) * kPageSize);
  attr.stat.st_atim = info.atime;
  attr.stat.st_mtim = info.mtime;
  attr.stat.st_ctim = info.ctime;
  return attr;
}

Entry EntryOf(const File& file) { return {AttrOf(file), kNotAtAll}; }

class AllocFileKind final : public Kind {
 public:
  [[nodiscard]] Attr Stat(const Place& place) const override { return AttrOf(*FileOf(place)); }

  [[nodiscard]] bool IsPossible(const Place& place) const override {
    return place.inode.device == kMountItself;
  }

  std::unique_ptr<OpenFile> Open(const Place& place, int /*flags*/) const override {
    return std::make_unique<OpenAlloc>(place, FileOf(place));
  }

  void SetAttr(const Place& place, const AttrChange& change, OpenFile* file,
               AttrReply reply) const override {
    const FilePtr target = FileOf(place);
    if (change.mode) target->SetMode(*change.mode);
    if (change.uid || change.gid) target->SetOwner(change.uid, change.gid);
    if (change.atime || change.mtime) target->SetTimes(change.atime, change.mtime);
    const auto answer = [target, reply = std::move(reply)](const Error* error) {
      if (error != nullptr) return reply(nullptr, error);
      const Attr attr = AttrOf(*target);
      reply(&attr, nullptr);
    };
    if (!change.size) return answer(nullptr);
    target->Resize(*change.size, place.caller, HandleOf(file), answer);
  }

  void Allocate(const Place& place, int mode, uint64_t offset, uint64_t length, OpenFile* file,
                Done done) const override {
    const FilePtr target = FileOf(place);
    if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0) {
      throw Error(EOPNOTSUPP, "alloc: memory has no holes");
    }
    const uint64_t end = offset + length;
    if (end < offset) throw Error(EFBIG, "alloc: beyond any size");
    if ((mode & FALLOC_FL_KEEP_SIZE) != 0) {
      target->Reserve(end, place.caller, HandleOf(file), std::move(done));
    } else {
      target->Grow(end, place.caller, HandleOf(file), std::move(done));
    }
  }

  [[nodiscard]] std::string XattrNames(const Place& place) const override {
    const FilePtr file = FileOf(place);
    std::string names;
    const auto add = [&names](std::string_view name) { names.append(name).push_back('\0'); };
    if (!file->info().device.empty()) add(kDeviceXattr);
    add(kChargedXattr);
    for (const auto& [name, value] : file->Xattrs()) add(name);
    return names;
  }

  [[nodiscard]] std::optional<std::string> Xattr(const Place& place,
                                                 std::string_view name) const override {
    const FilePtr file = FileOf(place);
    const FileInfo info = file->info();
    if (name == kDeviceXattr) {
      return info.device.empty() ? std::nullopt : std::optional(info.device);
    }
    if (name == kChargedXattr) return info.charged_to_owner ? "owner" : "daemon";
    const auto xattrs = file->Xattrs();
    const auto it = xattrs.find(name);
    return it == xattrs.end() ? std::nullopt : std::optional(it->second);
  }

  void SetXattr(const Place& place, const std::string& name, std::string_view value, int flags,
                Done done) const override {
    const FilePtr file = FileOf(place);
    if (name == kDeviceXattr) {
      return place.mount.store.Bind(file, std::string(value), place.caller, std::move(done));
    }
    RequireUsers(name);
    if (!name.starts_with("user.")) {
      throw Error(EOPNOTSUPP, name + ": only user.* attributes exist here");
    }
    file->SetXattr(name, value, (flags & XATTR_CREATE) != 0, (flags & XATTR_REPLACE) != 0);
    done(nullptr);
  }

  void RemoveXattr(const Place& place, const std::string& name, Done done) const override {
    const FilePtr file = FileOf(place);
    if (name == kDeviceXattr && !file->info().device.empty()) {
      return place.mount.store.Bind(file, {}, place.caller, std::move(done));
    }
    RequireUsers(name);
    file->RemoveXattr(name);
    done(nullptr);
  }

  void AddStatistics(const Place& place, struct statvfs& statistics) const override {
    AddAllocStatistics(place, statistics);
  }

 private:
  static void RequireUsers(const std::string& name) {
    if (name.starts_with(kOwnPrefix)) throw Error(EPERM, name + ": describes what is in the file");
  }
};

constexpr size_t kListedAtOnce = 64;

Entry DirEntry(const Place& place) { return {place.kind().Stat(place), kNotAtAll}; }

// The directory of a device that has this name in alloc/.
std::optional<Store::DirectoryId> FindDirectory(const Store& store, uint64_t parent,
                                                const std::string& name) {
  return parent == Store::kRoot ? store.FindDirectory(name) : std::nullopt;
}

// Throws Error(code) when the name is that of a directory.
void RequireFile(const Store& store, uint64_t parent, const std::string& name, int code) {
  if (FindDirectory(store, parent, name)) throw Error(code, name + ": the directory of a device");
}

class AllocDirKind final : public DirectoryKind {
 public:
  [[nodiscard]] Attr Stat(const Place& place) const override {
    const Store& store = place.mount.store;
    const bool root = place.inode.index == Store::kRoot;
    Attr attr = DirAttr(place, root ? store.Directories().size() : 0);
    attr.timeout = kNotAtAll;
    attr.stat.st_mode = S_IFDIR | place.mount.options.alloc_mode;
    attr.stat.st_atim = attr.stat.st_mtim = attr.stat.st_ctim = store.ChangeTime(place.inode.index);
    return attr;
  }

  [[nodiscard]] bool IsPossible(const Place& place) const override {
    return place.inode.device == kMountItself;
  }
  [[nodiscard]] Place Parent(const Place& place) const override {
    if (place.inode.index != Store::kRoot) return place.Other(NodeKind::kAllocDir, Store::kRoot);
    return {place.mount, Inode::Decode(kRootInode), place.caller};
  }

  [[nodiscard]] Entry Lookup(const Place& place, const std::string& name) const override {
    const Store& store = place.mount.store;
    const uint64_t parent = place.inode.index;
    if (const auto directory = FindDirectory(store, parent, name)) {
      return DirEntry(place.Other(NodeKind::kAllocDir, *directory));
    }
    const FilePtr file = store.Find(parent, name);
    if (!file || !ShowsAllocFile(*file, place.caller)) ThrowNoSuchName(name);
    return EntryOf(*file);
  }

  // An entry's offset is the number of its directory or file: both only rise.
  void List(const Place& place, uint64_t offset, const Emit& emit) const override {
    const Store& store = place.mount.store;
    if (place.inode.index == Store::kRoot) {
      for (const auto& [id, device] : store.Directories()) {
        const Place directory = place.Other(NodeKind::kAllocDir, id);
        if (id > offset && !emit(device, DirEntry(directory), id)) return;
      }
    }
    ListFiles(place, offset, emit);
  }

  Entry Create(const Place& place, const std::string& name, mode_t mode) const override {
    RequireFile(place.mount.store, place.inode.index, name, EEXIST);
    return EntryOf(*place.mount.store.Create(place.inode.index, name, place.caller, mode));
  }

  Opened CreateUnnamed(const Place& place, mode_t mode) const override {
    const FilePtr file = place.mount.store.CreateUnnamed(place.inode.index, place.caller, mode);
    return {EntryOf(*file), std::make_unique<OpenAlloc>(place, file)};
  }

  void Rename(const Place& place, const std::string& name, const Inode& new_parent,
              const std::string& new_name, unsigned flags) const override {
    if (new_parent.kind != NodeKind::kAllocDir) {
      return Kind::Rename(place, name, new_parent, new_name, flags);
    }
    Store& store = place.mount.store;
    RequireFile(store, place.inode.index, name, EPERM);
    RequireFile(store, new_parent.index, new_name, EISDIR);
    store.Rename(place.inode.index, name, new_parent.index, new_name, flags);
  }

  void Unlink(const Place& place, const std::string& name) const override {
    RequireFile(place.mount.store, place.inode.index, name, EISDIR);
    place.mount.store.Unlink(place.inode.index, name);
  }

  void AddStatistics(const Place& place, struct statvfs& statistics) const override {
    AddAllocStatistics(place, statistics);
  }

 private:
  static void ListFiles(const Place& place, uint64_t offset, const Emit& emit) {
    for (uint64_t next = offset + 1;;) {
      const auto files = place.mount.store.List(place.inode.index, next, kListedAtOnce);
      for (const auto& [name, file] : files) {
        next = file->serial() + 1;
        if (!ShowsAllocFile(*file, place.caller)) continue;
        if (!emit(name, EntryOf(*file), file->serial())) return;
      }
      if (files.size() < kListedAtOnce) return;
    }
  }
};

}  // namespace

const Kind& kinds::AllocFile() { return The<AllocFileKind>(); }

const Kind& kinds::AllocDir() { return The<AllocDirKind>(); }

uint64_t AllocFileInode(const File& file) {
  return Inode{kMountItself, NodeKind::kAllocFile, file.serial()}.number();
}

bool ShowsAllocFile(const File& file, const Caller& caller) {
  const FileInfo info = file.info();
  return caller.uid == 0 || caller.uid == info.uid || (info.mode & kGroupAndOthers) != 0;
}

}  // namespace grabfs
