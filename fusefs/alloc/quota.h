// SPDX-License-Identifier: Apache-2.0
//
// Counts bytes and files of each user, and the bytes of all users, and refuses what exceeds the
// limits.
//
// Threads: any.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <mutex>

#include "fusefs/base/mutex.h"

namespace grabfs::alloc {

class Quota {
 public:
  struct Limits {
    uint64_t user_bytes = 0;   // of each user
    uint64_t total_bytes = 0;  // of all users
    uint64_t user_files = 0;   // of each user: every file takes descriptors of the daemon

    friend bool operator==(const Limits&, const Limits&) = default;
  };
  struct Usage {
    uint64_t bytes = 0;
    uint64_t files = 0;
  };

  explicit Quota(const Limits& limits) : limits_(limits) {}

  // Throw Error(EDQUOT) beyond a user's limit, Error(ENOSPC) beyond the total, and change nothing.
  void AddFile(uid_t user);
  void AddBytes(uid_t user, uint64_t bytes);
  // Moves one file with `bytes` from one user to another.
  void Transfer(uid_t from, uid_t to, uint64_t bytes);

  void RemoveFile(uid_t user);
  void RemoveBytes(uid_t user, uint64_t bytes);

  [[nodiscard]] const Limits& limits() const { return limits_; }
  [[nodiscard]] Usage Of(uid_t user) const;
  [[nodiscard]] Usage Total() const;
  // How many bytes the user could still allocate.
  [[nodiscard]] uint64_t Free(uid_t user) const;

 private:
  // Expect mutex_ to be held.
  [[nodiscard]] Usage Find(uid_t user) const;
  void RequireRoom(uid_t user, uint64_t bytes, uint64_t files) const;
  void Remove(uid_t user, uint64_t bytes, uint64_t files);

  const Limits limits_;
  mutable Mutex mutex_;  // guards all below; leaf
  std::map<uid_t, Usage> users_;
  Usage total_;
};

}  // namespace grabfs::alloc
