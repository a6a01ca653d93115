// SPDX-License-Identifier: Apache-2.0
//
// FUSE passthrough (Linux 6.9): the kernel reads and maps the memory of a buffer directly, without
// asking the daemon. A backing file is registered when it is first opened, and for as long as what
// owns it lives.
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "fusefs/base/unique_fd.h"
#include "fusefs/vfs/file_system.h"
#include "fusefs/vfs/open_file.h"

namespace grabfs {

class Passthrough {
 public:
  // Takes a duplicate of the session's /dev/fuse descriptor.
  explicit Passthrough(int session_fd);

  // Whether the kernel registers backing files for this process: tried, not guessed. Call it after
  // the FUSE_INIT exchange. `wanted`: false, the user has switched it off. `offered`: the kernel
  // offered the capability.
  DataPath Probe(bool wanted, bool offered);

  [[nodiscard]] bool enabled() const { return enabled_; }

  // The number to reply to an open with; nullopt: this file goes the cached path. The answer for a
  // file never changes, because the kernel does not mix the two for one inode.
  std::optional<int32_t> BackingId(const Backing& backing);

 private:
  struct Registration;

  std::shared_ptr<UniqueFd> session_;
  std::mutex mutex_;  // guards all attachments; leaf
  std::atomic<bool> enabled_ = false;
};

}  // namespace grabfs
