// SPDX-License-Identifier: Apache-2.0
//
// The ring file: what it shows readers, and what they hold by its words.
#include "fusefs/ring/ring.h"

namespace grabfs {

std::shared_ptr<RingFile> Ring::Share(std::shared_ptr<RingFile> file) {
  const std::lock_guard lock(mutex_);
  if (file_) return file_;
  file_ = std::move(file);
  file_->SetState(shown_state_);
  if (retired_) file_->Supersede();
  for (const auto& [sequence, slot] : named_) file_->Publish(slot, slots_[slot].info);
  ShowNewest();
  return file_;
}

std::shared_ptr<RingFile> Ring::file() const {
  const std::lock_guard lock(mutex_);
  return file_;
}

void Ring::ShowState(uint64_t state) {
  const std::lock_guard lock(mutex_);
  shown_state_ = state;
  if (file_) file_->SetState(state);
}

void Ring::WakeReaders() const {
  if (const auto to_wake = file()) to_wake->Wake();
}

bool Ring::WaitsForReaders() const {
  const std::lock_guard lock(mutex_);
  return waits_for_readers_;
}

void Ring::LookAtReaders() const {
  if (!file_) return;
  const uint32_t taken = held_slots_ + kLeftToCapture;
  file_->Look(named_, slots() > taken ? slots() - taken : 0);
}

void Ring::ShowNewest() {
  if (!file_) return;
  file_->SetNewest(named_.empty() ? std::nullopt : std::optional(named_.rbegin()->second));
}

}  // namespace grabfs
