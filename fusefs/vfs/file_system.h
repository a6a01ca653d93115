// SPDX-License-Identifier: Apache-2.0
//
// The tree of the mount: one function for each kind of FUSE request. It decodes the inode number
// and passes the request on to the kind of file (kinds/). It deals in inode numbers, names and
// errno values; libfuse is known only to fusefs/fuse, which calls it and implements Kernel.
//
// Threads: every function may be called by any thread.
#pragma once

#include <sys/statvfs.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fusefs/base/mutex.h"
#include "fusefs/vfs/housekeeper.h"
#include "fusefs/vfs/kernel_caches.h"
#include "fusefs/vfs/kinds/kind.h"

namespace grabfs {

class FileSystem {
 public:
  using Options = Mount::Options;
  using Done = Kind::Done;
  using AttrReply = Kind::AttrReply;

  FileSystem(Options options, std::vector<std::unique_ptr<Device>> devices);
  ~FileSystem();
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;

  // To be called before the first request. `kernel` must live until Stop() has returned.
  void Attach(Kernel* kernel) { mount_.kernel = kernel; }
  // To be called at the first request.
  void SetDataPath(const DataPath& path) { mount_.pages_in_flight.SetDataPath(path); }
  // Starts the threads of the devices; commands that were posted before are carried out then.
  void Start();
  // Ends all devices; afterwards `kernel` is not called any more. Requests must still be served
  // meanwhile: a capture thread may be waiting for the kernel, and the kernel for a reply.
  void Stop();
  [[nodiscard]] DataPath data_path() const { return mount_.pages_in_flight.data_path(); }
  // Adds a device that was plugged in; after Stop() it just destroys it. Throws Error(EEXIST).
  void AddDevice(std::unique_ptr<Device> device);
  [[nodiscard]] bool HasDevice(const std::string& name) const;

  // All throw Error: ENOENT, ESTALE for a file that does not exist any more, EACCES, EPERM, ...
  // The kernel looks "." and ".." up only for file handles, whose inode numbers anybody may have
  // made up: "." is the file itself, ".." the directory that a directory is in.
  Entry Lookup(uint64_t parent, const std::string& name, const Caller& caller);
  Attr GetAttr(uint64_t inode);
  // Whether the file is read like a pipe.
  static bool IsEndless(uint64_t inode);
  // Outside alloc/ it accepts only the size that the file has, and the size 0 from O_TRUNC (`file`
  // null), which it ignores. `file`: the open file of ftruncate(), else null. `reply` may be called
  // later, by another thread; it is not called if this throws.
  void SetAttr(uint64_t inode, const AttrChange& change, OpenFile* file, const Caller& caller,
               AttrReply reply);
  // fallocate(2); `done` like `reply` above.
  void Allocate(uint64_t inode, int mode, uint64_t offset, uint64_t length, OpenFile* file,
                const Caller& caller, Done done);
  // `offset`: 0, or the `next` of the last entry that was read.
  void ReadDir(uint64_t inode, uint64_t offset, const Caller& caller, const Emit& emit);
  // `flags`: of open(2).
  std::unique_ptr<OpenFile> Open(uint64_t inode, int flags, const Caller& caller);
  // A new regular file. Outside alloc/ this and the next three throw EPERM.
  Entry Create(uint64_t parent, const std::string& name, mode_t mode, const Caller& caller);
  // O_TMPFILE: a new file without a name, open.
  Kind::Opened CreateUnnamed(uint64_t parent, mode_t mode, const Caller& caller);
  void Rename(uint64_t parent, const std::string& name, uint64_t new_parent,
              const std::string& new_name, unsigned flags);
  void Unlink(uint64_t parent, const std::string& name, const Caller& caller);
  std::string ReadLink(uint64_t inode);
  std::string XattrNames(uint64_t inode);
  std::string Xattr(uint64_t inode, std::string_view name);  // ENODATA, EOPNOTSUPP
  // `flags`: of setxattr(2).
  void SetXattr(uint64_t inode, const std::string& name, std::string_view value, int flags,
                const Caller& caller, Done done);
  void RemoveXattr(uint64_t inode, const std::string& name, const Caller& caller, Done done);
  // statfs(2): of the mount; in alloc/ how much can be allocated.
  struct statvfs Statistics(uint64_t inode, const Caller& caller);

  // flock(2); see LockTable.
  LockTable::Outcome Lock(uint64_t inode, LockTable::Asker asker, LockTable::Mode mode, bool wait,
                          const Caller& caller, LockTable::Granted granted);
  void Unlock(uint64_t inode, uint64_t owner) { mount_.locks.Unlock(inode, owner); }
  bool CancelLock(uint64_t inode, uint64_t asker_id) {
    return mount_.locks.Cancel(inode, asker_id);
  }

  // FORGET: the kernel has dropped this inode; nobody has it open or mapped.
  void Forget(uint64_t inode);

  // See Housekeeper and PagesInFlight.
  std::optional<Housekeeper::Time> Housekeep() { return housekeeper_.Run(); }
  void OnAccess(uint64_t inode) { mount_.pages_in_flight.OnAccess(inode); }
  void OnAccessLost() { mount_.pages_in_flight.OnAccessLost(); }

 private:
  Place At(uint64_t inode, const Caller& caller = {}) {
    return {mount_, Inode::Decode(inode), caller};
  }
  // Of the limit for open files. Throws Error(EDQUOT).
  std::shared_ptr<void> TakeShare(const Place& place);

  Mount mount_;
  KernelCaches caches_{mount_};
  Housekeeper housekeeper_{mount_};

  SlowMutex membership_;  // guards all below; held by Start(), Stop() and AddDevice()
  bool running_ = false;
  bool stopped_ = false;
};

}  // namespace grabfs
