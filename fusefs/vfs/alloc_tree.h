// SPDX-License-Identifier: Apache-2.0
//
// alloc/: memory of the users' own as files of the mount. Names, attributes and opens, on top of
// fusefs/alloc, which has the files themselves.
//
// A name is shown to whoever may do something with the file: its owner, root, and if the mode has
// bits for group or others, everybody. What they may do, the kernel decides by the mode.
//
// Threads: any. Sizes are changed by a thread of its own, because that may take long and may wait
// for the kernel; replies to it come from there.
#pragma once

#include <sys/statvfs.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/alloc/store.h"
#include "fusefs/base/error.h"
#include "fusefs/base/task_thread.h"
#include "fusefs/vfs/entry.h"
#include "fusefs/vfs/inode.h"
#include "fusefs/vfs/open_file.h"

namespace grabfs {

class AllocTree {
 public:
  struct Options {
    uid_t uid = 0;  // of the directories
    gid_t gid = 0;
    mode_t mode = 01777;
  };
  // Either nothing, or why not.
  using Done = std::function<void(const Error* error)>;
  using AttrReply = std::function<void(const Attr* attr, const Error* error)>;

  // A file that a device is to fill; released when the last copy is gone.
  // Who is to be allowed to write, with all the groups he had when he asked.
  struct Writer {
    Caller caller;
    std::vector<gid_t> groups;
  };
  struct Target {
    std::string path;  // alloc/NAME or alloc/DEVICE/NAME
    uint64_t inode;
    alloc::FilePtr file;
  };

  AllocTree(const Options& options, alloc::Store::Options store);

  static bool Has(const Inode& inode) {
    return inode.kind == NodeKind::kAllocDir || inode.kind == NodeKind::kAllocFile;
  }

  void AddDevice(const std::string& name) { store_.AddDirectory(name); }

  [[nodiscard]] Entry Root() const { return {DirAttr(alloc::Store::kRoot), 0}; }
  [[nodiscard]] Entry Lookup(const Inode& parent, const std::string& name,
                             const Caller& caller) const;
  [[nodiscard]] Attr GetAttr(const Inode& inode) const;
  void ReadDir(const Inode& inode, uint64_t offset, const Caller& caller, const Emit& emit) const;
  // What `caller` could still allocate, and all that is.
  void AddStatistics(const Caller& caller, struct statvfs& statistics) const;

  Entry Create(const Inode& parent, const std::string& name, mode_t mode, const Caller& caller);
  void Unlink(const Inode& parent, const std::string& name);
  void Rename(const Inode& parent, const std::string& name, const Inode& new_parent,
              const std::string& new_name, unsigned flags);

  std::unique_ptr<OpenFile> Open(const Inode& inode, const Caller& caller);
  // `file`: what Open() returned, of whoever asks; or null.
  void SetAttr(const Inode& inode, const AttrChange& change, OpenFile* file, const Caller& caller,
               AttrReply reply);
  void Allocate(const Inode& inode, int mode, uint64_t offset, uint64_t length, OpenFile* file,
                const Caller& caller, Done done);

  [[nodiscard]] std::string XattrNames(const Inode& inode) const;
  [[nodiscard]] std::optional<std::string> Xattr(const Inode& inode, std::string_view name) const;
  // `flags`: of setxattr(2).
  void SetXattr(const Inode& inode, const std::string& name, std::string_view value, int flags,
                const Caller& caller);
  void RemoveXattr(const Inode& inode, const std::string& name, const Caller& caller);

  // The file that `text` names: NAME, alloc/NAME, DEVICE/NAME, alloc/DEVICE/NAME. Throws
  // Error(ENOENT); Error(EACCES) when `writer` may not write it.
  [[nodiscard]] Target FindTarget(std::string_view text, const Writer& writer) const;

  [[nodiscard]] const alloc::Quota& quota() const { return store_.quota(); }
  // See Store.
  bool Settle() { return store_.Settle(); }
  // Ends what is under way; nothing can be resized any more.
  void Stop() { resizer_.Stop(); }

 private:
  [[nodiscard]] alloc::FilePtr Get(const Inode& inode) const;
  [[nodiscard]] Attr DirAttr(alloc::Store::DirectoryId directory) const;
  [[nodiscard]] static Attr FileAttr(const alloc::File& file);
  [[nodiscard]] static Entry FileEntry(const alloc::File& file) { return {FileAttr(file), 0}; }

  const Options options_;
  alloc::Store store_;
  TaskThread resizer_;
};

}  // namespace grabfs
