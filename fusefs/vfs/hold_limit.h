// SPDX-License-Identifier: Apache-2.0
//
// Limits how many buffers of one device a user may hold, so that a user who opens, maps or locks
// all he can leaves buffers for capture and for others. Root and the owner of the mount are not
// limited.
//
// A frame counts from its open to its last close, and longer while a mapping still keeps its
// buffer. A lock on a buffer counts while it is held or waited for.
//
// Threads: any.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "fusefs/base/mutex.h"
#include "fusefs/capture/pool.h"

namespace grabfs {

class HoldLimit {
 public:
  // `percent` of a device's buffers, but at least one; 100: no limit. `owner`: of the mount.
  HoldLimit(unsigned percent, uid_t owner) : percent_(percent), owner_(owner) {}
  HoldLimit(const HoldLimit&) = delete;
  HoldLimit& operator=(const HoldLimit&) = delete;

  // One thing that counts as held by a user, until it is destroyed. The HoldLimit must outlive it.
  class Share;

  // Counts a frame, which may be gone already. Throws Error(EDQUOT) at the limit; nullptr: the user
  // is not limited.
  std::unique_ptr<Share> TakeFrame(const std::shared_ptr<Pool>& pool, uint64_t sequence,
                                   uid_t user);
  // Counts a buffer, whatever is in it.
  std::unique_ptr<Share> TakeBuffer(const std::shared_ptr<Pool>& pool, uint32_t slot, uid_t user);
  // Counts a hold page of a ring reader (docs/ring.md), each word of which may hold a frame: at
  // most `most` words, and at most half of what the user has left, but at least one. Throws
  // Error(EDQUOT) if he has no word left, or if he or the device has enough pages.
  struct Page {
    uint32_t words;
    std::vector<std::unique_ptr<Share>> shares;
  };
  Page TakePage(const std::shared_ptr<Pool>& pool, uint32_t most, uid_t user);

 private:
  enum class Kind { kFrame, kBuffer, kWord, kPage };  // all but the last hold a buffer
  struct Key {
    uid_t user;
    Pool* pool;
    Kind kind;
    uint64_t number;  // sequence number, slot, or number of the word or page
    auto operator<=>(const Key&) const = default;
  };
  struct Entry {
    std::weak_ptr<Pool> pool;
    uint64_t shares = 0;  // 0: closed, perhaps mapped
    bool may_be_mapped = false;
  };

  std::unique_ptr<Share> Take(const std::shared_ptr<Pool>& pool, Kind kind, uint64_t number,
                              uid_t user);
  void GiveBack(const Key& key, bool may_be_mapped);
  [[nodiscard]] bool Unlimited(uid_t user) const;
  [[nodiscard]] size_t LimitOf(const Pool& pool) const;
  // These expect mutex_ to be held.
  size_t RoomFor(uid_t user, Pool& pool);
  std::unique_ptr<Share> Enter(const std::shared_ptr<Pool>& pool, const Key& key);
  void RequireRoomForAPage(uid_t user, Pool* pool) const;
  [[nodiscard]] size_t HeldBy(uid_t user, Pool* pool) const;
  void ForgetUnused(uid_t user);

  const unsigned percent_;
  const uid_t owner_;

  Mutex mutex_;  // guards entries_; before Ring's
  std::map<Key, Entry> entries_;
  uint64_t next_number_ = 0;  // of a word or page
};

class HoldLimit::Share {
 public:
  ~Share() { limit_->GiveBack(key_, may_be_mapped_); }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  // A mapping of the frame may exist after the destruction.
  void MayBeMapped() { may_be_mapped_ = true; }

 private:
  friend class HoldLimit;
  Share(HoldLimit* limit, const Key& key) : limit_(limit), key_(key) {}

  HoldLimit* const limit_;
  const Key key_;
  bool may_be_mapped_ = false;
};

}  // namespace grabfs
