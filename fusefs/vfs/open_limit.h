// SPDX-License-Identifier: Apache-2.0
//
// Limits how many files a user may have open that cost the daemon memory: streams, events, texts.
// Root and the owner of the mount are not limited.
//
// Threads: any.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <mutex>

#include "fusefs/base/mutex.h"

namespace grabfs {

class OpenLimit {
 public:
  static constexpr unsigned kFilesOfAUser = 1024;

  // `owner`: of the mount.
  explicit OpenLimit(uid_t owner) : owner_(owner) {}
  OpenLimit(const OpenLimit&) = delete;
  OpenLimit& operator=(const OpenLimit&) = delete;

  // Counts one more open file until the result is destroyed; nullptr: the user is not limited. The
  // OpenLimit must outlive the result. Throws Error(EDQUOT).
  std::shared_ptr<void> Take(uid_t user);

 private:
  void GiveBack(uid_t user);

  const uid_t owner_;
  Mutex mutex_;  // guards files_; leaf
  std::map<uid_t, unsigned> files_;
};

}  // namespace grabfs
