// SPDX-License-Identifier: Apache-2.0
//
// A kind of file: what stat() shows of such files, and what open, lookup, listing and locks do.
// Each kind is a class that overrides the operations of its files; the base class refuses or
// ignores the rest. The objects have no state: shared state is in Mount, the state of a device in
// its DeviceNode.
//
// To add a kind, write its file and add a row to kinds.inc.
//
// Threads: any. All functions throw Error: ENOENT, ESTALE for a file that does not exist any more,
// ...
#pragma once

#include <sys/statvfs.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fusefs/base/caller.h"
#include "fusefs/vfs/device_use.h"
#include "fusefs/vfs/entry.h"
#include "fusefs/vfs/inode.h"
#include "fusefs/vfs/lock_table.h"
#include "fusefs/vfs/mount.h"
#include "fusefs/vfs/open_file.h"

namespace grabfs {

class Kind;

// The file that a request is about, and who makes it.
struct Place {
  Mount& mount;
  const Inode inode;
  const Caller caller = {};

  [[nodiscard]] const Kind& kind() const;  // throws Error(ESTALE) when there is none
  [[nodiscard]] NodePtr node() const { return mount.devices.Get(inode.device); }
  // Another file of the same device.
  [[nodiscard]] Place Other(NodeKind kind, uint64_t index = 0) const {
    return {mount, {inode.device, kind, index}, caller};
  }
};

class Kind {
 public:
  using Names = std::vector<std::string>;
  using Done = std::function<void(const Error* error)>;
  // One of the two is null.
  using AttrReply = std::function<void(const Attr* attr, const Error* error)>;
  using Opened = std::pair<Entry, std::unique_ptr<OpenFile>>;
  struct LockTerms {
    LockTable::Hold hold;
    std::shared_ptr<void> share;  // counts for the caller (HoldLimit); may be null
  };

  [[nodiscard]] virtual bool directory() const { return false; }
  // Its files are read like pipes. They are in .live/, and the device's directory has links to
  // them, so that programs that walk through trees do not begin to read what never ends.
  [[nodiscard]] virtual bool endless() const { return false; }
  // An open file costs the daemon memory, so it counts for OpenLimit.
  [[nodiscard]] virtual bool limited() const { return false; }
  // Decides about the modes of its files.
  [[nodiscard]] virtual Content content() const { return Content::kOther; }
  [[nodiscard]] virtual Attr Stat(const Place& place) const = 0;

  // --- In a device's directory, or in its .live/.

  // The names of files of this kind there. The functions below get the row of a name in this list
  // as the index of the inode.
  [[nodiscard]] virtual Names names() const { return {}; }
  // Whether the device has such files.
  [[nodiscard]] virtual bool IsOn(const Device& /*device*/) const { return true; }
  // Looks up a name.
  [[nodiscard]] virtual Entry Find(const Place& place) const { return {Stat(place), kForever}; }
  // The same for a listing; nullopt: the file does not exist now.
  [[nodiscard]] virtual std::optional<Entry> Show(const Place& place) const {
    return Entry{Stat(place), kForever};
  }

  // --- Of directories. See FileSystem.

  [[nodiscard]] virtual Entry Lookup(const Place& place, const std::string& name) const;
  // `offset`: 0, or the `next` of the last entry that was read.
  virtual void List(const Place& place, uint64_t offset, const Emit& emit) const;
  virtual Entry Create(const Place& place, const std::string& name, mode_t mode) const;
  virtual Opened CreateUnnamed(const Place& place, mode_t mode) const;
  virtual void Rename(const Place& place, const std::string& name, const Inode& new_parent,
                      const std::string& new_name, unsigned flags) const;
  virtual void Unlink(const Place& place, const std::string& name) const;

  // --- Of files.

  virtual std::unique_ptr<OpenFile> Open(const Place& place, int flags) const;
  virtual void SetAttr(const Place& place, const AttrChange& change, OpenFile* file,
                       AttrReply reply) const;
  virtual void Allocate(const Place& place, int mode, uint64_t offset, uint64_t length,
                        OpenFile* file, Done done) const;
  // Of symbolic links.
  [[nodiscard]] virtual std::string Target(const Place& place) const;
  // What flock(2) does to the file.
  [[nodiscard]] virtual LockTerms Locking(const Place& /*place*/) const { return {}; }

  // --- By file handle. Anybody who may open files by handle can make up an inode number.

  // Whether a lookup could give this number, if Stat() finds the file. By default the index has to
  // be a row in names().
  [[nodiscard]] virtual bool IsPossible(const Place& place) const;
  // The directory that this directory is in.
  [[nodiscard]] virtual Place Parent(const Place& place) const;

  // --- Of files and directories.

  // Each ended by a zero byte.
  [[nodiscard]] virtual std::string XattrNames(const Place& /*place*/) const { return {}; }
  // `name` begins with "user."; nullopt: the file has no such attribute.
  [[nodiscard]] virtual std::optional<std::string> Xattr(const Place& /*place*/,
                                                         std::string_view /*name*/) const {
    return std::nullopt;
  }
  virtual void SetXattr(const Place& place, const std::string& name, std::string_view value,
                        int flags, Done done) const;
  virtual void RemoveXattr(const Place& place, const std::string& name, Done done) const;
  virtual void AddStatistics(const Place& place, struct statvfs& statistics) const;

 protected:
  ~Kind() = default;  // objects live for ever
};

class DirectoryKind : public Kind {
 public:
  [[nodiscard]] bool directory() const final { return true; }
  // For a directory in a device's directory, without subdirectories.
  [[nodiscard]] Attr Stat(const Place& place) const override;
  [[nodiscard]] Place Parent(const Place& place) const override {
    return place.Other(NodeKind::kDeviceDir);
  }

 protected:
  ~DirectoryKind() = default;
};

// --- Shared by the kinds.

// The one object of a kind.
template <typename K>
const Kind& The() {
  static constexpr K kKind;
  return kKind;
}

[[noreturn]] void ThrowNoSuchName(const std::string& name);
[[noreturn]] void ThrowStale();

// Whether a file that was opened with these flags of open(2) may be written.
bool Writes(int flags);
// Throws Error(EACCES) if it may be written. The kernel's permission check lets root pass; this
// does not.
void RequireReading(int flags, std::string_view name);

// Attributes with the mount's owner, and with the time of the mount. `mode`: without mount options.
Attr FileAttr(const Place& place, mode_t mode, uint64_t size, double timeout = kNotAtAll);
// `directories`: the number of its subdirectories, for st_nlink.
Attr DirAttr(const Place& place, uint64_t directories);
void SetTimes(Attr& attr, uint64_t realtime_ns);
void SetBlocks(Attr& attr, uint64_t bytes);
// The number of blocks of size `unit`.
uint64_t BlocksOf(uint64_t bytes, uint64_t unit);

// Counts an open file of the device (DeviceUse).
std::unique_ptr<DeviceUse> Use(const Place& place, const NodePtr& node);

// Adds to statfs(2): how much the caller could allocate in alloc/, and the total.
void AddAllocStatistics(const Place& place, struct statvfs& statistics);

// Calls `body`. An error that a user can do something about also becomes the device's last_error.
template <typename Body>
auto Noting(Device& device, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (const Error& error) {
    if (error.code() == EDQUOT || error.code() == EOPNOTSUPP) device.NoteRefusal(error);
    throw;
  }
}

}  // namespace grabfs
