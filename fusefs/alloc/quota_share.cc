// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/quota_share.h"

namespace grabfs::alloc {

QuotaShare::QuotaShare(Quota* quota, uid_t owner) : quota_(quota), owner_(owner) {
  quota_->AddFile(owner_);
}

QuotaShare::~QuotaShare() {
  quota_->RemoveBytes(owner_, bytes_);
  quota_->RemoveFile(owner_);
}

uid_t QuotaShare::owner() const {
  const std::lock_guard lock(mutex_);
  return owner_;
}

void QuotaShare::Set(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes > bytes_) {
    quota_->AddBytes(owner_, bytes - bytes_);
  } else {
    quota_->RemoveBytes(owner_, bytes_ - bytes);
  }
  bytes_ = bytes;
}

void QuotaShare::GiveTo(uid_t owner) {
  const std::lock_guard lock(mutex_);
  quota_->Transfer(owner_, owner, bytes_);
  owner_ = owner;
}

}  // namespace grabfs::alloc
