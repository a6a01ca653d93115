// SPDX-License-Identifier: Apache-2.0
//
// The files of alloc/ and their names: one directory for all, and one for each device, whose files
// are bound to it. It knows names and users; what a permission allows is the kernel's business.
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
#include <string>
#include <vector>

#include "fusefs/alloc/file.h"
#include "fusefs/alloc/quota.h"
#include "fusefs/base/caller.h"

namespace grabfs::alloc {

using FilePtr = std::shared_ptr<File>;

class Store {
 public:
  struct Options {
    Quota::Limits limits;
    // See File::Surroundings.
    std::function<bool(uint64_t serial, const Caller& caller)> mapped_by_others;
    // Memory that the device of this name can be given; of an empty name: for no device. Throws
    // Error(ENODEV) when there is no such device.
    std::function<std::unique_ptr<Storage>(const std::string& device, const std::string& name)>
        make_storage;
    // A file that has lost its name may be mapped still: call Settle() before long.
    std::function<void()> on_lingering;
  };
  // Directories have small numbers, and files larger ones, so that both can be told apart.
  using DirectoryId = uint64_t;
  static constexpr DirectoryId kRoot = 0;
  static constexpr uint64_t kFirstSerial = uint64_t{1} << 20;

  struct Named {
    std::string name;
    FilePtr file;
  };

  explicit Store(Options options);

  // The directory of a device, made when there is none yet; it stays.
  DirectoryId AddDirectory(const std::string& device);
  [[nodiscard]] std::optional<DirectoryId> FindDirectory(const std::string& device) const;
  // Empty for kRoot. Throws Error(ESTALE) for a number that is none.
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
  void Unlink(DirectoryId directory, const std::string& name);
  // `flags`: of renameat2(2). EXDEV: the file would have to be made of other memory.
  void Rename(DirectoryId from, const std::string& name, DirectoryId to,
              const std::string& new_name, unsigned flags);
  // Binds the file to a device, or with an empty name to none.
  void Bind(const FilePtr& file, const std::string& device, const Caller& caller);

  [[nodiscard]] const Quota& quota() const { return quota_; }

  // A handle of the file has been closed.
  void Closed(const FilePtr& file);
  // Gives up files that have no name and are not in use any more; true while some are left.
  bool Settle();

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

  void Linger(FilePtr file);

  const Options options_;
  Quota quota_;
  const File::Surroundings surroundings_;

  mutable std::mutex mutex_;  // guards all below; before File's
  std::map<DirectoryId, Directory> directories_;
  std::map<uint64_t, std::weak_ptr<File>> by_serial_;
  std::vector<FilePtr> lingering_;  // without a name, perhaps mapped
  uint64_t next_serial_ = kFirstSerial;
};

}  // namespace grabfs::alloc
