// SPDX-License-Identifier: Apache-2.0
//
// Finds out which frames may have pages in flight. With passthrough, sendfile() and splice() put
// the pages of the buffer themselves into sockets and pipes. They stay there after the file is
// closed, and the kernel does not say when they have arrived. It does say which files were read
// (access_watch.h). So a frame that was read, and not only mapped, counts as in flight: its buffer
// is renewed before it is filled again (see Ring).
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>

#include "fusefs/vfs/data_path.h"
#include "fusefs/vfs/device_node.h"

namespace grabfs {

struct Mount;

class PagesInFlight {
 public:
  explicit PagesInFlight(Mount& mount) : mount_(mount) {}

  // To be called at the first request.
  void SetDataPath(const DataPath& path);
  [[nodiscard]] DataPath data_path() const;  // of the mount
  [[nodiscard]] DataPath DataPathOf(const DeviceNode& node) const;
  [[nodiscard]] bool passthrough() const { return passthrough_; }

  // Readers get the pages of the pool themselves, and the memory cannot see pages in flight.
  [[nodiscard]] bool NeedsWatch(const Pool& pool) const { return passthrough_ && !pool.sees_pages; }
  // Call it before a hold ends: marks in the ring all frames that were read until now. False: reads
  // of this device are not reported, so the caller must mark the frame itself.
  [[nodiscard]] bool Collect(uint32_t device, const Pool& pool) const;
  // Has reads reported for the files of all present devices. Does nothing if the mount gives file
  // handles: a file that was opened by its handle has no directory that could be watched.
  void Watch();

  // A file was read, so pages of it may be in flight. Never waits.
  void OnAccess(uint64_t inode);
  // Reports were lost: marks all frames that were held.
  void OnAccessLost();

 private:
  Mount& mount_;
  std::atomic<bool> passthrough_ = false;  // data_path_.passthrough, for the hot path
  mutable Mutex mutex_;                    // guards data_path_; leaf
  DataPath data_path_;
};

}  // namespace grabfs
