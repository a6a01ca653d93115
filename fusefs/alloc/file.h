// SPDX-License-Identifier: Apache-2.0
//
// One file of alloc/: its pages, its owner, who has it open, and what may be done to it when.
//
//     empty ──Resize──▶ memory ──Resize──▶ memory        not while others map it (EBUSY),
//                          │ ▲                           not while it is being filled (EBUSY)
//                BeginFill ▼ │ EndFill
//                         filling                        a device writes it
//
// Threads: any.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>

#include "fusefs/alloc/quota.h"
#include "fusefs/alloc/storage.h"
#include "fusefs/base/caller.h"
#include "fusefs/base/outdated_pages.h"

namespace grabfs::alloc {

// What stat() wants to know; a copy.
struct FileInfo {
  uid_t uid = 0;
  gid_t gid = 0;
  mode_t mode = 0;  // permission bits
  uint64_t size = 0;
  timespec atime = {};
  timespec mtime = {};
  timespec ctime = {};
  bool named = true;
  bool charged_to_owner = false;  // to the memory cgroup of whoever made it that large
  std::string device;             // that it is bound to; empty: none
};

class File {
 public:
  // What files need of those around them; outlives them.
  struct Surroundings {
    Quota* quota;
    // Is the file mapped by any process other than that of `caller`? True also when that cannot be
    // told. May take milliseconds.
    std::function<bool(uint64_t serial, const Caller& caller)> mapped_by_others;
  };
  using Handle = uint64_t;  // one open file description
  static constexpr Handle kNoHandle = 0;

  // Takes its place in the quota of the creator. Throws Error(EDQUOT).
  File(const Surroundings* surroundings, uint64_t serial, const Caller& creator, mode_t mode);
  // Gives the memory back.
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] uint64_t serial() const { return serial_; }
  [[nodiscard]] FileInfo info() const;
  [[nodiscard]] uint64_t size() const { return info().size; }

  // The memory that the file consists of from now on, empty; what the file has is copied, unless
  // its memory is of the same kind and can stay. Throws Error(EBUSY) when it cannot, and somebody
  // has the file open or mapped.
  void Adopt(std::unique_ptr<Storage> storage, const std::string& device, const Caller& caller);

  void SetMode(mode_t mode);
  // Throws Error(EDQUOT) when the new owner has no room for it.
  void SetOwner(std::optional<uid_t> uid, std::optional<gid_t> gid);
  void SetTimes(std::optional<timespec> atime, std::optional<timespec> mtime);
  void SetNamed(bool named);

  // `own`: the handle that asks, if any. Takes long: memory is found, and perhaps all processes are
  // looked at. Throws Error: EBUSY, EDQUOT, ENOSPC.
  void Resize(uint64_t size, const Caller& caller, Handle own);
  // Grows to this size, if it is smaller.
  void Reserve(uint64_t size, const Caller& caller, Handle own);

  // Bytes read: fewer at the end.
  size_t Read(uint64_t offset, std::span<std::byte> data);
  // Grows where needed.
  void Write(uint64_t offset, std::span<const std::byte> data, const Caller& caller, Handle own);
  // What a mapping has left to be written: nothing grows for it, and what is older than a frame
  // that a device is just writing is dropped.
  void WriteBack(uint64_t offset, std::span<const std::byte> data);

  // Extended attributes of the user's own. ENODATA, EEXIST, ENOSPC.
  [[nodiscard]] std::map<std::string, std::string, std::less<>> Xattrs() const;
  void SetXattr(const std::string& name, std::string_view value, bool must_be_new, bool must_exist);
  void RemoveXattr(std::string_view name);

  [[nodiscard]] Handle Opened(const Caller& caller);
  // `may_be_mapped`: a mapping made through it may live on unseen.
  void Closed(Handle handle, bool may_be_mapped);
  // Open, mapped, or being filled. False is certain.
  [[nodiscard]] bool InUse();

  // The memory behind it for readers that go there directly; -1: they cannot. The answer stays the
  // same while anybody has the file open.
  [[nodiscard]] int backing_fd() const;
  // Whatever the layer above needs to live as long as backing_fd() does; guarded by that layer.
  [[nodiscard]] std::shared_ptr<void>& attachment() { return attachment_; }

  // For a device that writes `bytes` from the beginning on, at least 1. Until EndFill() nobody
  // changes the size. Throws Error: EBUSY when it is being filled already, ENOSPC when it is too
  // small.
  std::shared_ptr<Memory> BeginFill(uint64_t bytes);
  // The device has written it, and nobody has been told.
  void Filled();
  // Extended attributes of what is in it now; nothing: the device failed.
  void EndFill(std::map<std::string, std::string, std::less<>> description);

 private:
  // Expect contents_ to be held, the first one exclusively.
  void ResizeExclusively(uint64_t size, const Caller& caller);
  [[nodiscard]] bool InUseNow();

  // Gives those who are just closing the file a moment: the kernel says so a little after close().
  void AwaitClose(Handle own);
  void RequireNotFilling() const;
  void RequireUnmapped(const Caller& caller, Handle own);
  bool SomebodyIsInTheWay(const Caller& caller, Handle own);
  [[nodiscard]] bool OpenElsewhere(const Caller& caller, Handle own) const;
  void Touch();

  const Surroundings* const surroundings_;
  const uint64_t serial_;

  // Shared by those who use the contents, exclusive for who changes the size or the storage; before
  // mutex_.
  mutable std::shared_mutex contents_;
  std::unique_ptr<Storage> storage_;
  std::shared_ptr<void> attachment_;

  mutable std::mutex mutex_;  // guards all below; before the quota's
  FileInfo info_;             // but for size, which is the storage's
  uint64_t size_ = 0;         // of the storage, for who must not wait
  std::map<std::string, std::string, std::less<>> xattrs_;
  std::map<Handle, pid_t> handles_;  // and the thread that opened it
  std::condition_variable closed_;   // one fewer of them
  Handle next_handle_ = kNoHandle + 1;
  bool direct_ = false;         // the open handles may use backing_fd()
  bool may_be_mapped_ = false;  // through a handle that is closed
  uint64_t filling_ = 0;        // bytes that a device is writing, from the beginning; 0: none is

  OutdatedPages outdated_;  // in the page cache of FUSE
};

}  // namespace grabfs::alloc
