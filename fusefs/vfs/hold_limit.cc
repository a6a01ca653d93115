// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/hold_limit.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

// The numbers of hold pages are limited, because capture reads all pages of a device for each
// frame. The last ones are reserved for users without a limit.
constexpr size_t kPagesOfADevice = 64;
constexpr size_t kPagesOfTheUnlimited = 16;
constexpr size_t kPagesOfAUser = 16;

}  // namespace

std::unique_ptr<HoldLimit::Share> HoldLimit::TakeFrame(const std::shared_ptr<Pool>& pool,
                                                       uint64_t sequence, uid_t user) {
  return Take(pool, Kind::kFrame, sequence, user);
}

std::unique_ptr<HoldLimit::Share> HoldLimit::TakeBuffer(const std::shared_ptr<Pool>& pool,
                                                        uint32_t slot, uid_t user) {
  return Take(pool, Kind::kBuffer, slot, user);
}

HoldLimit::Page HoldLimit::TakePage(const std::shared_ptr<Pool>& pool, uint32_t most, uid_t user) {
  Page page{most, {}};
  const std::lock_guard lock(mutex_);
  RequireRoomForAPage(user, pool.get());
  if (!Unlimited(user)) {
    const size_t left = RoomFor(user, *pool);
    page.words = static_cast<uint32_t>(std::clamp<size_t>((left + 1) / 2, 1, most));
    for (uint32_t word = 0; word < page.words; ++word) {
      page.shares.push_back(Enter(pool, {user, pool.get(), Kind::kWord, next_number_++}));
    }
  }
  page.shares.push_back(Enter(pool, {user, pool.get(), Kind::kPage, next_number_++}));
  return page;
}

bool HoldLimit::Unlimited(uid_t user) const {
  return percent_ >= 100 || user == 0 || user == owner_;
}

size_t HoldLimit::LimitOf(const Pool& pool) const {
  return std::max<size_t>(pool.memory.size() * percent_ / 100, 1);
}

std::unique_ptr<HoldLimit::Share> HoldLimit::Take(const std::shared_ptr<Pool>& pool, Kind kind,
                                                  uint64_t number, uid_t user) {
  if (Unlimited(user)) return nullptr;
  const Key key{user, pool.get(), kind, number};
  const std::lock_guard lock(mutex_);
  if (!entries_.contains(key)) RoomFor(user, *pool);
  return Enter(pool, key);
}

std::unique_ptr<HoldLimit::Share> HoldLimit::Enter(const std::shared_ptr<Pool>& pool,
                                                   const Key& key) {
  Entry& entry = entries_[key];
  entry.pool = pool;
  ++entry.shares;
  return std::unique_ptr<Share>(new Share(this, key));
}

// How many more buffers the user may hold, which is at least one.
size_t HoldLimit::RoomFor(uid_t user, Pool& pool) {
  const size_t limit = LimitOf(pool);
  if (HeldBy(user, &pool) >= limit) ForgetUnused(user);
  const size_t held = HeldBy(user, &pool);
  if (held >= limit) {
    throw Error(EDQUOT, "user " + std::to_string(user) + " holds " + std::to_string(limit) +
                            " buffers already: see -o hold_limit=");
  }
  return limit - held;
}

void HoldLimit::RequireRoomForAPage(uid_t user, Pool* pool) const {
  size_t of_user = 0;
  size_t of_device = 0;
  for (const auto& [key, entry] : entries_) {
    if (key.kind != Kind::kPage || key.pool != pool) continue;
    ++of_device;
    of_user += key.user == user;
  }
  const bool unlimited = Unlimited(user);
  if (of_device >= kPagesOfADevice - (unlimited ? 0 : kPagesOfTheUnlimited)) {
    throw Error(EDQUOT, "readers: the device has too many readers");
  }
  if (!unlimited && of_user >= kPagesOfAUser) {
    throw Error(EDQUOT, "readers: user " + std::to_string(user) + " has " +
                            std::to_string(kPagesOfAUser) + " readers of this device already");
  }
}

void HoldLimit::GiveBack(const Key& key, bool may_be_mapped) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(key);
  it->second.may_be_mapped |= may_be_mapped;
  if (--it->second.shares == 0 && !it->second.may_be_mapped) entries_.erase(it);
}

size_t HoldLimit::HeldBy(uid_t user, Pool* pool) const {
  return static_cast<size_t>(std::ranges::count_if(entries_, [&](const auto& entry) {
    return entry.first.user == user && entry.first.pool == pool && entry.first.kind != Kind::kPage;
  }));
}

// Called for a user at his limit only, because the ring has to probe whether memory is mapped.
void HoldLimit::ForgetUnused(uid_t user) {
  std::erase_if(entries_, [&](const auto& item) {
    const auto& [key, entry] = item;
    if (key.user != user || entry.shares > 0) return false;
    const auto pool = entry.pool.lock();
    return !pool || !pool->ring.InUse(key.number);
  });
}

}  // namespace grabfs
