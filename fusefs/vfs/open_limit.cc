// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/open_limit.h"

#include <cerrno>
#include <string>

#include "fusefs/base/error.h"

namespace grabfs {

std::shared_ptr<void> OpenLimit::Take(uid_t user) {
  if (user == 0 || user == owner_) return nullptr;
  {
    const std::lock_guard lock(mutex_);
    unsigned& files = files_[user];
    if (files >= kFilesOfAUser) {
      throw Error(EDQUOT, "user " + std::to_string(user) + " has " + std::to_string(files) +
                              " streams, events and texts open already: close some");
    }
    ++files;
  }
  return {nullptr, [this, user](std::nullptr_t) { GiveBack(user); }};
}

void OpenLimit::GiveBack(uid_t user) {
  const std::lock_guard lock(mutex_);
  const auto it = files_.find(user);
  if (--it->second == 0) files_.erase(it);
}

}  // namespace grabfs
