// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/backlog.h"

#include <cerrno>

#include "fusefs/base/error.h"

namespace grabfs::alloc {

std::shared_ptr<void> Backlog::Enter(uid_t user) {
  {
    const std::lock_guard lock(mutex_);
    const auto of_user = waiting_.find(user);
    if (total_ == kMost || (of_user != waiting_.end() && of_user->second == kMostOfOneUser)) {
      throw Error(EDQUOT, "alloc: too many writes wait for memory");
    }
    ++waiting_[user];
    ++total_;
  }
  return {this, [user](Backlog* backlog) { backlog->Leave(user); }};
}

void Backlog::Leave(uid_t user) {
  const std::lock_guard lock(mutex_);
  const auto of_user = waiting_.find(user);
  if (--of_user->second == 0) waiting_.erase(of_user);
  --total_;
}

}  // namespace grabfs::alloc
