// SPDX-License-Identifier: Apache-2.0
//
// FUSE passthrough (Linux 6.9): the kernel reads and maps the backing file of an open file
// directly, without the daemon. A backing file is registered with the kernel when it is first
// opened, and unregistered when its owner (Backing::owner) is destroyed.
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "fusefs/base/mutex.h"
#include "fusefs/base/unique_fd.h"
#include "fusefs/vfs/file_system.h"
#include "fusefs/vfs/open_file.h"

namespace grabfs {

class Passthrough {
 public:
  // Takes a duplicate of the session's /dev/fuse descriptor.
  explicit Passthrough(int session_fd);

  // Finds out by a try whether the kernel registers backing files for this process. Call it after
  // FUSE_INIT. `wanted`: false if the user switched passthrough off. `offered`: the kernel offered
  // the capability in FUSE_INIT.
  DataPath Probe(bool wanted, bool offered);

  [[nodiscard]] bool enabled() const { return enabled_; }

  // The backing id for the reply to an OPEN; nullopt: this file takes the cached path. The answer
  // for a file never changes, because the kernel refuses to mix the two paths for one inode.
  std::optional<int32_t> BackingId(const Backing& backing);

 private:
  struct Registration;

  std::shared_ptr<UniqueFd> session_;
  Mutex mutex_;  // guards all attachments; leaf
  std::atomic<bool> enabled_ = false;
};

}  // namespace grabfs
