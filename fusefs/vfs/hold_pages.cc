// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/hold_pages.h"

namespace grabfs {

uint64_t HoldPages::Add(std::shared_ptr<HoldPage> page) {
  const std::lock_guard lock(mutex_);
  pages_.emplace(next_number_, std::move(page));
  return next_number_++;
}

std::shared_ptr<HoldPage> HoldPages::Find(uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto it = pages_.find(number);
  return it == pages_.end() ? nullptr : it->second;
}

void HoldPages::Forget(uint64_t number) {
  std::shared_ptr<HoldPage> last;  // ends without the lock
  const std::lock_guard lock(mutex_);
  const auto it = pages_.find(number);
  if (it == pages_.end()) return;
  last = std::move(it->second);
  pages_.erase(it);
}

}  // namespace grabfs
