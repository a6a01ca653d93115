// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/hold_limit.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include "fusefs/base/error.h"

namespace grabfs {

std::unique_ptr<HoldLimit::Share> HoldLimit::TakeFrame(const std::shared_ptr<Pool>& pool,
                                                       uint64_t sequence, uid_t user) {
  return Take(pool, Kind::kFrame, sequence, user);
}

std::unique_ptr<HoldLimit::Share> HoldLimit::TakeBuffer(const std::shared_ptr<Pool>& pool,
                                                        uint32_t slot, uid_t user) {
  return Take(pool, Kind::kBuffer, slot, user);
}

std::unique_ptr<HoldLimit::Share> HoldLimit::Take(const std::shared_ptr<Pool>& pool, Kind kind,
                                                  uint64_t number, uid_t user) {
  if (percent_ >= 100 || user == 0 || user == owner_) return nullptr;
  const size_t limit = std::max<size_t>(pool->memory.size() * percent_ / 100, 1);
  const Key key{user, pool.get(), kind, number};
  const std::lock_guard lock(mutex_);
  if (!entries_.contains(key) && HeldBy(user, pool.get()) >= limit) {
    ForgetUnused(user);
    if (HeldBy(user, pool.get()) >= limit) {
      throw Error(EDQUOT, "user " + std::to_string(user) + " holds " + std::to_string(limit) +
                              " buffers already: see -o hold_limit=");
    }
  }
  Entry& entry = entries_[key];
  entry.pool = pool;
  ++entry.shares;
  return std::unique_ptr<Share>(new Share(this, key));
}

void HoldLimit::GiveBack(const Key& key, bool may_be_mapped) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(key);
  it->second.may_be_mapped |= may_be_mapped;
  if (--it->second.shares == 0 && !it->second.may_be_mapped) entries_.erase(it);
}

size_t HoldLimit::HeldBy(uid_t user, Pool* pool) const {
  return static_cast<size_t>(std::ranges::count_if(entries_, [&](const auto& entry) {
    return entry.first.user == user && entry.first.pool == pool;
  }));
}

// Asked for only by somebody at his limit: the ring has to look whether memory is mapped.
void HoldLimit::ForgetUnused(uid_t user) {
  std::erase_if(entries_, [&](const auto& item) {
    const auto& [key, entry] = item;
    if (key.user != user || entry.shares > 0) return false;
    const auto pool = entry.pool.lock();
    return !pool || !pool->ring.InUse(key.number);
  });
}

}  // namespace grabfs
