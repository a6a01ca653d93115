// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/quota.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include "fusefs/base/error.h"

namespace grabfs::alloc {
namespace {

uint64_t Rest(uint64_t limit, uint64_t used) { return limit > used ? limit - used : 0; }

}  // namespace

Quota::Usage Quota::Find(uid_t user) const {
  const auto it = users_.find(user);
  return it == users_.end() ? Usage{} : it->second;
}

void Quota::RequireRoom(uid_t user, uint64_t bytes, uint64_t files) const {
  const Usage usage = Find(user);
  if (files > Rest(limits_.user_files, usage.files)) {
    throw Error(EDQUOT, "alloc: user " + std::to_string(user) + " has " +
                            std::to_string(usage.files) + " files, which is the limit");
  }
  if (bytes > Rest(limits_.user_bytes, usage.bytes)) {
    throw Error(EDQUOT, "alloc: user " + std::to_string(user) + " has " +
                            std::to_string(usage.bytes) + " of " +
                            std::to_string(limits_.user_bytes) + " bytes, no room for " +
                            std::to_string(bytes) + " more");
  }
}

void Quota::AddFile(uid_t user) {
  const std::lock_guard lock(mutex_);
  RequireRoom(user, 0, 1);
  ++users_[user].files;
  ++total_.files;
}

void Quota::AddBytes(uid_t user, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  RequireRoom(user, bytes, 0);
  if (bytes > Rest(limits_.total_bytes, total_.bytes)) {
    throw Error(ENOSPC, "alloc: " + std::to_string(total_.bytes) + " of " +
                            std::to_string(limits_.total_bytes) + " bytes are taken, no room for " +
                            std::to_string(bytes) + " more");
  }
  users_[user].bytes += bytes;
  total_.bytes += bytes;
}

void Quota::Transfer(uid_t from, uid_t to, uint64_t bytes) {
  if (from == to) return;
  const std::lock_guard lock(mutex_);
  RequireRoom(to, bytes, 1);
  Remove(from, bytes, 1);
  Usage& usage = users_[to];
  usage.bytes += bytes;
  ++usage.files;
  total_.bytes += bytes;
  ++total_.files;
}

void Quota::Remove(uid_t user, uint64_t bytes, uint64_t files) {
  const auto it = users_.find(user);
  it->second.bytes -= bytes;
  it->second.files -= files;
  if (it->second.bytes == 0 && it->second.files == 0) users_.erase(it);
  total_.bytes -= bytes;
  total_.files -= files;
}

void Quota::RemoveFile(uid_t user) {
  const std::lock_guard lock(mutex_);
  Remove(user, 0, 1);
}

void Quota::RemoveBytes(uid_t user, uint64_t bytes) {
  if (bytes == 0) return;
  const std::lock_guard lock(mutex_);
  Remove(user, bytes, 0);
}

Quota::Usage Quota::Of(uid_t user) const {
  const std::lock_guard lock(mutex_);
  return Find(user);
}

Quota::Usage Quota::Total() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

uint64_t Quota::Free(uid_t user) const {
  const std::lock_guard lock(mutex_);
  return std::min(Rest(limits_.user_bytes, Find(user).bytes),
                  Rest(limits_.total_bytes, total_.bytes));
}

}  // namespace grabfs::alloc
