// SPDX-License-Identifier: Apache-2.0
//
// How many buffers of one device a user may hold at a time, so that a stranger who opens, maps or
// locks whatever he can leaves buffers for capture and for others. Root and the owner of the mount
// are not limited.
//
// A frame counts from its open to its last close, and on while a mapping that outlives the close
// keeps its buffer; a lock on a buffer counts while it lasts or is waited for.
//
// Threads: any.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "fusefs/capture/pool.h"

namespace grabfs {

class HoldLimit {
 public:
  // `percent` of a device's buffers, but at least one; 100: no limit. `owner`: of the mount.
  HoldLimit(unsigned percent, uid_t owner) : percent_(percent), owner_(owner) {}
  HoldLimit(const HoldLimit&) = delete;
  HoldLimit& operator=(const HoldLimit&) = delete;

  // Part of what a user holds, until it is destroyed. The limit outlives it.
  class Share;

  // Of a frame, which may be gone already. Throws Error(EDQUOT) when the user holds enough;
  // nullptr: he is not limited.
  std::unique_ptr<Share> TakeFrame(const std::shared_ptr<Pool>& pool, uint64_t sequence,
                                   uid_t user);
  // Of a buffer, whatever is in it.
  std::unique_ptr<Share> TakeBuffer(const std::shared_ptr<Pool>& pool, uint32_t slot, uid_t user);

 private:
  enum class Kind { kFrame, kBuffer };
  struct Key {
    uid_t user;
    Pool* pool;
    Kind kind;
    uint64_t number;  // sequence or slot
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
  // These two expect mutex_ to be held.
  [[nodiscard]] size_t HeldBy(uid_t user, Pool* pool) const;
  void ForgetUnused(uid_t user);

  const unsigned percent_;
  const uid_t owner_;

  std::mutex mutex_;  // guards entries_; before Ring's
  std::map<Key, Entry> entries_;
};

class HoldLimit::Share {
 public:
  ~Share() { limit_->GiveBack(key_, may_be_mapped_); }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  // A mapping may live on after this.
  void MayBeMapped() { may_be_mapped_ = true; }

 private:
  friend class HoldLimit;
  Share(HoldLimit* limit, const Key& key) : limit_(limit), key_(key) {}

  HoldLimit* const limit_;
  const Key key_;
  bool may_be_mapped_ = false;
};

}  // namespace grabfs
