// SPDX-License-Identifier: Apache-2.0
//
// Counts one file in the quota of its owner: one file, and a number of bytes.
//
// Threads: any.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <mutex>

#include "fusefs/alloc/quota.h"
#include "fusefs/base/mutex.h"

namespace grabfs::alloc {

class QuotaShare {
 public:
  // `quota` outlives it. Throws Error(EDQUOT).
  QuotaShare(Quota* quota, uid_t owner);
  ~QuotaShare();
  QuotaShare(const QuotaShare&) = delete;
  QuotaShare& operator=(const QuotaShare&) = delete;

  [[nodiscard]] uid_t owner() const;
  // Sets the number of bytes. Throws Error: EDQUOT, ENOSPC; never for a smaller number.
  void Set(uint64_t bytes);
  // Moves it to the quota of this user. Throws Error(EDQUOT).
  void GiveTo(uid_t owner);

 private:
  Quota* const quota_;
  mutable Mutex mutex_;  // guards all below; before the quota's
  uid_t owner_;
  uint64_t bytes_ = 0;
};

}  // namespace grabfs::alloc
