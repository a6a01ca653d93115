// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/uses.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "fusefs/base/error.h"

namespace grabfs::alloc {
namespace {

// How long after close(2) its RELEASE may come.
constexpr std::chrono::milliseconds kClosing{100};

}  // namespace

Uses::Handle Uses::Opened(const Caller& caller, const std::function<bool()>& direct) {
  const std::lock_guard lock(mutex_);
  if (handles_.empty()) direct_ = direct();
  handles_.emplace(next_handle_, caller.pid);
  return next_handle_++;
}

bool Uses::Closed(Handle handle, bool may_be_mapped) {
  const std::lock_guard lock(mutex_);
  handles_.erase(handle);
  if (may_be_mapped) {
    may_be_mapped_ = true;
    ++closings_;
  }
  closed_.notify_all();
  return handles_.empty();
}

bool Uses::open() const {
  const std::lock_guard lock(mutex_);
  return !handles_.empty();
}

bool Uses::direct() const {
  const std::lock_guard lock(mutex_);
  return direct_ && !handles_.empty();
}

bool Uses::Elsewhere(const Caller& caller, Handle own) const {
  const std::lock_guard lock(mutex_);
  return may_be_mapped_ || std::ranges::any_of(handles_, [&](const auto& handle) {
           return handle.first != own && handle.second != caller.pid;
         });
}

void Uses::AwaitClose(Handle own) {
  std::unique_lock lock(mutex_);
  closed_.wait_for(lock, kClosing,
                   [&] { return handles_.size() == (handles_.contains(own) ? 1U : 0U); });
}

bool Uses::InUse(const Probe& probe) {
  std::unique_lock lock(mutex_);
  if (!handles_.empty() || filling_ > 0) return true;
  if (!may_be_mapped_) return false;
  const uint64_t closings = closings_;
  if (!probe.exclusive) lock.unlock();
  const bool idle = probe.idle();
  if (!lock.owns_lock()) lock.lock();
  if (!idle) return true;
  // Unless a handle was closed since the memory was asked: it may have left a mapping.
  if (closings == closings_) may_be_mapped_ = false;
  return may_be_mapped_ || !handles_.empty() || filling_ > 0;
}

void Uses::BeginFill(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (filling_ > 0) throw Error(EBUSY, "alloc: a device is writing into the file already");
  filling_ = bytes;
}

uint64_t Uses::filling() const {
  const std::lock_guard lock(mutex_);
  return filling_;
}

void Uses::EndFill() {
  const std::lock_guard lock(mutex_);
  filling_ = 0;
}

}  // namespace grabfs::alloc
