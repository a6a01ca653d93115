// SPDX-License-Identifier: Apache-2.0
//
// One file of alloc/: its attributes, its contents and its users, and which operations are allowed
// when.
//
//     empty ──Resize──▶ memory ──Resize──▶ memory        not while others map it (EBUSY),
//                          │ ▲                           not while it is being filled (EBUSY)
//                BeginFill ▼ │ EndFill
//                         filling                        a device writes it
//
// Memory is allocated and freed in FairPool, in slices (change.h); stat() shows the new size when
// that is done. Meanwhile all other operations go on: reads find the old contents, the file can be
// opened, closed and renamed, and its attributes can be changed.
//
// Threads: any. All functions are quick, except InUse(). A function with `done` calls it when the
// operation is over, from this or another thread, without a lock. No mutex of this directory is
// held while memory is allocated, /proc is read, or contents are copied.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "fusefs/alloc/backlog.h"
#include "fusefs/alloc/change_queue.h"
#include "fusefs/alloc/contents.h"
#include "fusefs/alloc/quota_share.h"
#include "fusefs/alloc/storage.h"
#include "fusefs/alloc/uses.h"
#include "fusefs/base/caller.h"
#include "fusefs/base/error.h"
#include "fusefs/base/mutex.h"

namespace grabfs::alloc {

class Change;

// What stat() shows; a copy.
struct FileInfo {
  uid_t uid = 0;
  gid_t gid = 0;
  mode_t mode = 0;  // permission bits
  uint64_t size = 0;
  uint64_t reserved = 0;  // bytes of memory that the user asked for; at least the size
  timespec atime = {};
  timespec mtime = {};
  timespec ctime = {};
  bool named = true;
  bool charged_to_owner = false;  // to the memory cgroup of the process that set the size
  std::string device;             // that it is bound to; empty: none
};

class File : public std::enable_shared_from_this<File> {
 public:
  // The objects that all files use; must outlive them.
  struct Dependencies {
    Quota* quota = nullptr;
    FairPool* pool = nullptr;
    Backlog* backlog = nullptr;
    // Is the file mapped by any process other than that of `caller`? True also when that is
    // unknown. May take long.
    std::function<bool(uint64_t serial, const Caller& caller)> mapped_by_others;
    // Frees memory that files have allocated ahead, as far as that is possible now.
    std::function<void()> give_back;
    // Cancels changes under way: ENODEV.
    std::stop_token stop;
  };
  using Handle = Uses::Handle;
  static constexpr Handle kNoHandle = Uses::kNoHandle;
  using Done = std::function<void(const Error* error)>;

  // Counts in the quota of the creator. Throws Error(EDQUOT). Releasing the last reference does not
  // wait until the memory is freed.
  static std::shared_ptr<File> Make(const Dependencies* dependencies, uint64_t serial,
                                    const Caller& creator, mode_t mode, bool named,
                                    std::shared_ptr<Storage> storage, const std::string& device);
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] uint64_t serial() const { return serial_; }
  [[nodiscard]] FileInfo info() const;
  [[nodiscard]] uint64_t size() const { return contents_.size(); }

  void SetMode(mode_t mode);
  // Throws Error(EDQUOT) when the new owner has no room for it.
  void SetOwner(std::optional<uid_t> uid, std::optional<gid_t> gid);
  void SetTimes(std::optional<timespec> atime, std::optional<timespec> mtime);
  void SetNamed(bool named);

  // `own`: the handle of the request, if any. Errors: EBUSY, EDQUOT, ENOSPC; EINTR if the caller
  // was killed. After an error nothing has changed.
  void Resize(uint64_t size, const Caller& caller, Handle own, Done done);
  // Grows to this size, if it is smaller.
  void Grow(uint64_t size, const Caller& caller, Handle own, Done done);
  // Allocates memory for the first `bytes`, without a change of the size. EOPNOTSUPP if a device
  // allocates the memory.
  void Reserve(uint64_t bytes, const Caller& caller, Handle own, Done done);
  // Replaces the memory, for example by memory bound to a device, and copies the contents. Memory
  // of the same kind stays. EBUSY if it must be replaced while somebody has the file open or
  // mapped.
  void Adopt(std::shared_ptr<Storage> storage, const std::string& device, const Caller& caller,
             Done done);

  // Bytes read: fewer at the end.
  size_t Read(uint64_t offset, std::span<std::byte> data);
  // Makes the file longer if necessary. Copies `data` if it has to wait for memory. EDQUOT also if
  // too many writes wait already.
  void Write(uint64_t offset, std::span<const std::byte> data, const Caller& caller, Handle own,
             Done done);
  // Writeback of a mapping's dirty page: does not make the file longer, and is dropped where a
  // device is writing a newer frame.
  void WriteBack(uint64_t offset, std::span<const std::byte> data, const Caller& caller, Done done);

  // Extended attributes that the user sets. ENODATA, EEXIST, ENOSPC.
  [[nodiscard]] std::map<std::string, std::string, std::less<>> Xattrs() const;
  void SetXattr(const std::string& name, std::string_view value, bool must_be_new, bool must_exist);
  void RemoveXattr(std::string_view name);

  [[nodiscard]] Handle Opened(const Caller& caller);
  // `may_be_mapped`: a mapping made through the handle may still exist.
  void Closed(Handle handle, bool may_be_mapped);
  // Open, mapped, being filled or changed. False is certain, true may be wrong. Reads /proc.
  [[nodiscard]] bool InUse();

  // The backing file for passthrough; -1: this file takes the cached path. The answer stays the
  // same while anybody has the file open.
  [[nodiscard]] int backing_fd() const;
  // An object of the layer above that lives as long as backing_fd(); guarded by that layer.
  [[nodiscard]] std::shared_ptr<void>& attachment() { return attachment_; }

  // A device writes to the file from its first byte on, until End() or the destruction of this
  // object. Meanwhile the size cannot be changed.
  class Filling {
   public:
    ~Filling() { End({}); }
    Filling(const Filling&) = delete;
    Filling& operator=(const Filling&) = delete;

    [[nodiscard]] const std::shared_ptr<Memory>& memory() const { return memory_; }
    // The device has written the frame, which is not announced yet.
    void Filled();
    // `description`: extended attributes of the frame; empty: the device failed. Only the first
    // call has an effect.
    void End(std::map<std::string, std::string, std::less<>> description);

   private:
    friend class File;
    Filling(std::shared_ptr<File> file, uint64_t bytes) : file_(std::move(file)), bytes_(bytes) {}

    const std::shared_ptr<File> file_;
    const uint64_t bytes_;
    std::shared_ptr<Memory> memory_;
    std::atomic<bool> ended_ = false;
  };
  // A filling of `bytes`, at least 1. Throws Error: EBUSY if the file is being filled or changed,
  // ENOSPC if it is too small.
  [[nodiscard]] std::shared_ptr<Filling> BeginFill(uint64_t bytes);

  // Frees memory that was allocated ahead, unless a change is under way.
  void GiveBack();

 private:
  friend class Change;

  File(const Dependencies* dependencies, uint64_t serial, const Caller& creator, mode_t mode,
       bool named, std::shared_ptr<Storage> storage, const std::string& device);

  void Post(const std::shared_ptr<Change>& change);
  void Touch();
  // Throws Error(EBUSY) if the size must not change, because others have the file open or mapped.
  // Waits a moment for a close() under way.
  void RequireUnmapped(const Caller& caller, Handle own);
  bool SomebodyIsInTheWay(const Caller& caller, Handle own);
  // Sets what the file counts for in the quota. If that is too much, frees memory that other files
  // have allocated ahead.
  void Charge(uint64_t bytes);

  const Dependencies* const dependencies_;
  const uint64_t serial_;
  QuotaShare share_;
  Contents contents_;
  Uses uses_;
  ChangeQueue changes_;
  std::shared_ptr<void> attachment_;

  mutable Mutex mutex_;  // guards all below; leaf
  FileInfo info_;        // without the members that contents_ has
  std::map<std::string, std::string, std::less<>> xattrs_;
};

using FilePtr = std::shared_ptr<File>;

}  // namespace grabfs::alloc
