// SPDX-License-Identifier: Apache-2.0
//
// The files of alloc/ and their names: a root directory, and one directory for each device, whose
// files are bound to it. It knows names and users; the kernel checks permissions.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "fusefs/alloc/fair_pool.h"
#include "fusefs/alloc/file.h"
#include "fusefs/alloc/quota.h"
#include "fusefs/base/caller.h"
#include "fusefs/base/mutex.h"

namespace grabfs::alloc {

class Store {
 public:
  struct Options {
    Quota::Limits limits;
    // See File::Dependencies.
    std::function<bool(uint64_t serial, const Caller& caller)> mapped_by_others;
    // Makes storage that the device of this name can fill; for an empty name: for no device. Throws
    // Error(ENODEV) if there is no such device.
    std::function<std::unique_ptr<Storage>(const std::string& device, const std::string& name)>
        make_storage;
    // A file without a name may still be mapped: call FreeOrphans() soon, and again while it
    // returns true.
    std::function<void()> on_orphan;
  };
  // Directories have smaller numbers than files, so that a number says which of the two it is.
  using DirectoryId = uint64_t;
  static constexpr DirectoryId kRoot = 0;
  static constexpr uint64_t kFirstSerial = uint64_t{1} << 20;

  struct Named {
    std::string name;
    FilePtr file;
  };

  // Must outlive its files.
  explicit Store(Options options);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  // Cancels changes under way, and waits for their end; later changes fail with ENODEV.
  void Stop();

  // Makes the directory of a device, unless it exists; it stays when the device goes.
  DirectoryId AddDirectory(const std::string& device);
  [[nodiscard]] std::optional<DirectoryId> FindDirectory(const std::string& device) const;
  // Empty for kRoot. Throws Error(ESTALE) for a number that is no directory.
  [[nodiscard]] std::string DeviceOf(DirectoryId directory) const;
  // When a name was added or removed last.
  [[nodiscard]] timespec ChangeTime(DirectoryId directory) const;
  // Devices by the numbers of their directories.
  [[nodiscard]] std::map<DirectoryId, std::string> Directories() const;

  // nullptr when there is none.
  [[nodiscard]] FilePtr Find(DirectoryId directory, const std::string& name) const;
  [[nodiscard]] FilePtr FindSerial(uint64_t serial) const;
  // In the order of their serial numbers, from `first` on, at most `count`.
  [[nodiscard]] std::vector<Named> List(DirectoryId directory, uint64_t first, size_t count) const;

  // Throw Error: EEXIST, ENAMETOOLONG, EDQUOT, ENODEV.
  FilePtr Create(DirectoryId directory, const std::string& name, const Caller& creator,
                 mode_t mode);
  // Without a name.
  FilePtr CreateUnnamed(DirectoryId directory, const Caller& creator, mode_t mode);
  void Unlink(DirectoryId directory, const std::string& name);
  // `flags`: of renameat2(2). EXDEV: the file would need memory of another kind.
  void Rename(DirectoryId from, const std::string& name, DirectoryId to,
              const std::string& new_name, unsigned flags);
  // Binds the file to a device, or with an empty name to none.
  void Bind(const FilePtr& file, const std::string& device, const Caller& caller, File::Done done);

  [[nodiscard]] const Quota& quota() const { return quota_; }

  // A handle of the file has been closed.
  void Closed(const FilePtr& file);
  // Frees orphans (files without a name) that are not in use any more. True: some are left. Reads
  // /proc.
  bool FreeOrphans();

 private:
  struct Directory {
    std::string device;
    timespec changed;  // CLOCK_REALTIME
    std::map<std::string, FilePtr> files;
    std::map<uint64_t, std::string> names;  // by serial number

    void Add(const std::string& name, const FilePtr& file);
    FilePtr Remove(const std::string& name);  // nullptr: not there
  };

  // Expect mutex_ to be held.
  Directory& At(DirectoryId directory);
  [[nodiscard]] const Directory& At(DirectoryId directory) const;
  void RequireRenamable(const File& file, const std::string& device) const;

  void AddOrphan(FilePtr file);
  [[nodiscard]] FilePtr Make(const std::string& device, const Caller& creator, mode_t mode,
                             bool named, std::unique_ptr<Storage> storage);
  // Frees memory that files have allocated ahead.
  void GiveBack();

  const Options options_;
  Quota quota_;
  Backlog backlog_;
  FairPool pool_;
  std::stop_source stop_;
  const File::Dependencies dependencies_;

  mutable Mutex mutex_;  // guards all below; before File's
  std::map<DirectoryId, Directory> directories_;
  std::map<uint64_t, std::weak_ptr<File>> by_serial_;
  std::vector<FilePtr> orphans_;  // files without a name that may be in use
  uint64_t next_serial_ = kFirstSerial;
};

}  // namespace grabfs::alloc
