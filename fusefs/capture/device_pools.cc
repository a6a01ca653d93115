// SPDX-License-Identifier: Apache-2.0
//
// The buffers of a device: made, renewed, replaced by those of another format.
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "fusefs/base/clock.h"
#include "fusefs/capture/device.h"

namespace grabfs {
namespace {

constexpr uint32_t kMaxBuffers = 65535;

}  // namespace

std::shared_ptr<Pool> Device::MakePool(uint32_t buffers) {
  if (buffers == 0 || buffers > kMaxBuffers) {
    throw Error(EINVAL, "buffers_count " + std::to_string(buffers) + ": must be 1 to " +
                            std::to_string(kMaxBuffers));
  }
  return std::make_shared<Pool>(
      next_generation_, source_->format(), source_->AllocateBuffers(name(), buffers), state_.policy,
      [wake_fd = wake_fd_] { (void)eventfd_write(wake_fd->get(), 1); },
      [this, thread = std::weak_ptr(renewal_thread_)](std::shared_ptr<Pool> pool, uint32_t slot) {
        // While the thread exists, so does the device.
        if (const auto renewals = thread.lock()) {
          renewals->Post([this, pool = std::move(pool), slot] { Renew(*pool, slot); });
        }
      });
}

void Device::Renew(Pool& pool, uint32_t slot) {
  if (halted_) return;
  if (pool.RenewNow(slot)) {
    observer_->OnRenewed(*this, pool, slot);
  } else {
    observer_->OnRecheckNeeded(*this);
  }
}

void Device::ReplacePool(uint32_t buffers) {
  const auto replacement = MakePool(buffers);
  ++next_generation_;
  replacement->ring.ShowState(ShownInRing(state_.state));
  source_->Bind(replacement->memory);
  const auto old = std::exchange(current_, replacement);
  queued_.assign(buffers, false);
  std::vector<uint64_t> sequences;
  {
    const std::lock_guard lock(mutex_);
    pool_ = replacement;
    state_.format = source_->format();
    state_.rate = source_->rate();
    state_.buffers = buffers;
    state_.settings = source_->Settings();
    if (!old) return;
    sequences = old->ring.Retire();
    retired_counters_ += old->ring.Counters();
    std::erase_if(retired_, [](const auto& pool) { return pool.expired(); });
    retired_.push_back(old);
  }
  NamesChanged();
  old->ring.WakeReaders();
  observer_->OnPoolReplaced(*this, *old, sequences);
}

}  // namespace grabfs
