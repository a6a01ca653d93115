// SPDX-License-Identifier: Apache-2.0
#include "fusefs/ring/ring.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace grabfs {
namespace {

// In fills. Each probe doubles the gap of a slot, also those of Recheck().
constexpr uint64_t kLongestProbeGap = 1024;

}  // namespace

Ring::Ring(Options options)
    : probe_(std::move(options.probe)),
      on_available_(std::move(options.on_available)),
      on_renew_(std::move(options.on_renew)),
      policy_(options.policy),
      slots_(options.slots) {
  for (uint32_t slot = 0; slot < slots(); ++slot) BecomeFree(slot);
}

std::optional<Ring::Fill> Ring::BeginFill(Need need) {
  std::optional<Fill> fill;
  Do([&] {
    const bool urgent = need == Need::kNow;
    ++fills_;
    LookAtReaders();
    RetryOneMapped();
    waits_for_readers_ = false;
    fill = TakeOne(need);
    RenewAhead(!fill && urgent);
    starved_ = !fill && urgent;
    waits_for_renewal_ = starved_ && renewing_ > 0;
    waits_for_readers_ = waits_for_readers_ && starved_;
  });
  return fill;
}

std::optional<Ring::Fill> Ring::TakeOne(Need need) {
  bool passed = false;  // went past a slot that has to be renewed first
  for (auto it = available_.begin(); it != available_.end();) {
    const uint32_t index = std::get<2>(*it);
    Slot& slot = slots_[index];
    if (!MayRecycle(slot)) break;
    if (IsNewest(index) && (need == Need::kAhead || passed || renewing_ > 0)) break;
    ++it;  // RemoveAvailable() below invalidates the element, not its successor
    if (HeldByReaders(index)) {
      waits_for_readers_ = true;
      continue;
    }
    RemoveAvailable(index);
    if (StillUsed(index)) recheck_needed_ = true;
    const bool usable = !slot.mapped && !slot.in_flight;
    if (!usable || !TakeFromReaders(index)) {
      passed |= !usable && !slot.mapped;
      waits_for_readers_ |= usable;
      AddAvailable(index);
      continue;
    }
    Fill fill{index, std::nullopt, on_renew_ && HasBeenHeld(slot)};
    if (slot.named) {
      fill.evicted = slot.info.sequence;
      Unname(index);
    }
    if (slot.state == State::kReady) nameless_.erase(slot.info.sequence);
    slot.state = State::kFilling;
    slot.undecided = fill.undecided;
    slot.was_held &= fill.undecided;
    slot.renewed = false;
    return fill;
  }
  return std::nullopt;
}

bool Ring::Confirm(uint32_t index) {
  bool confirmed = false;
  Do([&] {
    Slot& slot = slots_[index];
    assert(slot.state == State::kFilling && slot.undecided);
    confirmed = !slot.in_flight;
    if (!confirmed) return BecomeFree(index);
    slot.undecided = false;
    slot.was_held = false;
  });
  return confirmed;
}

bool Ring::TakeRecheckNeeded() {
  const std::lock_guard lock(mutex_);
  return std::exchange(recheck_needed_, false);
}

FrameInfo Ring::Complete(uint32_t index, FrameInfo info) {
  Do([&] {
    info.dropped = std::exchange(dropped_before_next_, 0);
    // First of all, for readers who look again and again: the rest can wait, they cannot.
    if (file_) {
      file_->Publish(index, info);
      file_->SetNewest(index);
    }
    Slot& slot = slots_[index];
    assert(slot.state == State::kFilling);
    slot.state = State::kReady;
    slot.named = true;
    slot.opened = false;
    slot.used = true;
    slot.was_held = false;
    slot.undecided = false;
    slot.info = info;
    assert(named_.empty() || named_.rbegin()->first < info.sequence);
    named_.emplace_hint(named_.end(), info.sequence, index);
    ++counters_.captured;
    ++counters_.present;
    AddAvailable(index);
  });
  return info;
}

void Ring::Fail(uint32_t slot) {
  Do([&] {
    assert(slots_[slot].state == State::kFilling);
    ++counters_.captured;
    ++counters_.failed;
    if (file_) file_->CountFailed(1);
    BecomeFree(slot);
  });
}

void Ring::Cancel(uint32_t slot) {
  Do([&] {
    assert(slots_[slot].state == State::kFilling);
    BecomeFree(slot);
  });
}

FrameInfo Ring::CompleteElsewhere(FrameInfo info) {
  const std::lock_guard lock(mutex_);
  info.dropped = std::exchange(dropped_before_next_, 0);
  ++counters_.captured;
  ++counters_.delivered;
  if (file_) file_->SetNext(info.sequence + 1);
  return info;
}

void Ring::FailElsewhere() {
  const std::lock_guard lock(mutex_);
  ++counters_.captured;
  ++counters_.failed;
  if (file_) file_->CountFailed(1);
}

void Ring::Drop(uint64_t count) {
  const std::lock_guard lock(mutex_);
  counters_.captured += count;
  counters_.dropped += count;
  dropped_before_next_ += count;
  if (file_) file_->CountDropped(count);
}

std::optional<Ring::Frame> Ring::Hold(uint64_t sequence, Purpose purpose) {
  const std::lock_guard lock(mutex_);
  const auto index = SlotOf(sequence);
  if (!index) return std::nullopt;
  Slot& slot = slots_[*index];
  if (!slot.named && slot.holds == 0) return std::nullopt;
  RemoveAvailable(*index);
  AddHold(slot);
  // What is kept for a reader is opened by it before it is read.
  const bool opened = purpose == Purpose::kOpened;
  slot.opened |= opened;
  slot.was_held |= opened;
  return FrameAt(*index);
}

bool Ring::HoldSlot(uint32_t index) {
  const std::lock_guard lock(mutex_);
  Slot& slot = slots_[index];
  if (slot.state == State::kFilling || slot.state == State::kRenewing) return false;
  RemoveAvailable(index);
  AddHold(slot);
  slot.was_held = true;
  return true;
}

void Ring::AddHold(Slot& slot) {
  if (slot.holds++ == 0) ++held_slots_;
  ++slot.hold_serial;
}

void Ring::Release(uint32_t index, bool may_be_mapped) {
  Do([&] {
    Slot& slot = slots_[index];
    assert(slot.holds > 0);
    slot.may_be_mapped |= may_be_mapped;
    if (--slot.holds > 0) return;
    --held_slots_;
    ForgetMapped(index);  // an older probe proves nothing now: probe again
    AddAvailable(index);
  });
}

std::vector<Ring::Mapped> Ring::Recheck() {
  std::vector<Mapped> still;
  // Unlocks between slots: thousands of probes in one go would delay openers and capture.
  for (uint32_t index = 0; index < slots(); ++index) {
    Do([&] {
      const Slot& slot = slots_[index];
      if (slot.holds > 0 || !slot.may_be_mapped) return;
      RemoveAvailable(index);
      if (StillUsed(index)) still.push_back({index, slot.info.sequence, slot.hold_serial});
      AddAvailable(index);
    });
  }
  return still;
}

bool Ring::InUse(uint64_t sequence) {
  bool used = false;
  Do([&] {
    const auto index = SlotOf(sequence);
    if (!index) return;
    const Slot& slot = slots_[*index];
    LookAtReaders();
    used = slot.holds > 0 || HeldByReaders(*index);
    if (used || !slot.may_be_mapped) return;
    RemoveAvailable(*index);
    used = StillUsed(*index);
    AddAvailable(*index);
  });
  return used;
}

void Ring::MarkUnmapped(const Mapped& mapped) {
  Do([&] {
    Slot& slot = slots_[mapped.slot];
    if (slot.holds > 0 || slot.hold_serial != mapped.hold_serial) return;
    RemoveAvailable(mapped.slot);
    ForgetMapped(mapped.slot);
    slot.may_be_mapped = false;
    AddAvailable(mapped.slot);
  });
}

bool Ring::Unlink(uint64_t sequence) {
  bool unlinked = false;
  Do([&] {
    const auto it = named_.find(sequence);
    if (it == named_.end()) return;
    const uint32_t slot = it->second;
    RemoveAvailable(slot);
    LoseName(slot);
    AddAvailable(slot);
    unlinked = true;
  });
  return unlinked;
}

std::vector<uint64_t> Ring::Retire() {
  const std::lock_guard lock(mutex_);
  retired_ = true;
  if (file_) file_->Supersede();
  std::vector<uint64_t> gone;
  gone.reserve(named_.size());
  while (!named_.empty()) {
    const auto [sequence, slot] = *named_.begin();
    gone.push_back(sequence);
    RemoveAvailable(slot);
    LoseName(slot);
    AddAvailable(slot);
  }
  return gone;
}

void Ring::SetPolicy(Policy policy) {
  Do([&] { policy_ = policy; });
}

Ring::Place Ring::PlaceOf(uint32_t index) const {
  const Slot& slot = slots_[index];
  if (slot.named) return {1, slot.info.sequence, index};
  return {0, slot.freed_at, index};
}

std::optional<uint32_t> Ring::SlotOf(uint64_t sequence) const {
  if (const auto it = named_.find(sequence); it != named_.end()) return it->second;
  if (const auto it = nameless_.find(sequence); it != nameless_.end()) return it->second;
  return std::nullopt;
}

void Ring::AddAvailable(uint32_t index) {
  Slot& slot = slots_[index];
  if (slot.holds > 0 || slot.state == State::kFilling || slot.state == State::kRenewing) return;
  if (slot.mapped) {
    mapped_.emplace(slot.probe_due, index);
    return;
  }
  // A frame that lost its name stays readable for its holders. The last one has released it.
  if (slot.state == State::kReady && !slot.named && !slot.may_be_mapped && TakeFromReaders(index)) {
    slot.state = State::kFree;
    nameless_.erase(slot.info.sequence);
  }
  if (slot.state == State::kFree && slot.in_flight && !slot.may_be_mapped && !retired_) {
    return BeginRenewal(index);
  }
  available_.insert(PlaceOf(index));
}

void Ring::RemoveAvailable(uint32_t index) {
  available_.erase(PlaceOf(index));
  mapped_.erase({slots_[index].probe_due, index});
}

bool Ring::StillUsed(uint32_t index) {
  Slot& slot = slots_[index];
  if (!slot.may_be_mapped) return false;
  slot.may_be_mapped = probe_ && probe_(index);
  if (!slot.may_be_mapped) {
    ForgetMapped(index);
    return false;
  }
  slot.mapped = true;
  slot.probe_due = fills_ + slot.probe_gap;
  slot.probe_gap = std::min(2 * slot.probe_gap, kLongestProbeGap);
  return true;
}

void Ring::ForgetMapped(uint32_t index) {
  slots_[index].mapped = false;
  slots_[index].probe_gap = 1;
}

void Ring::RetryOneMapped() {
  if (mapped_.empty() || mapped_.begin()->first > fills_) return;
  const uint32_t index = mapped_.begin()->second;
  RemoveAvailable(index);
  slots_[index].mapped = false;  // so that TakeOne() probes it
  AddAvailable(index);
}

void Ring::Unname(uint32_t index) {
  Slot& slot = slots_[index];
  named_.erase(slot.info.sequence);
  slot.named = false;
  slot.freed_at = ++free_clock_;
  --counters_.present;
  ShowNewest();
  slot.opened |= file_ && file_->WasHeld(index);
  ++(slot.opened ? counters_.delivered : counters_.recycled);
}

void Ring::LoseName(uint32_t index) {
  Unname(index);
  nameless_.emplace(slots_[index].info.sequence, index);
  if (file_) (void)file_->Unlink(index);
}

void Ring::BecomeFree(uint32_t index) {
  Slot& slot = slots_[index];
  slot.state = State::kFree;
  slot.was_held = false;
  slot.undecided = false;
  slot.freed_at = ++free_clock_;
  AddAvailable(index);
}

bool Ring::MayRecycle(const Slot& slot) const {
  return policy_ == Policy::kKeepNewest || !slot.named;
}

bool Ring::IsNewest(uint32_t index) const {
  return slots_[index].named && named_.rbegin()->second == index;
}

bool Ring::Fillable() const {
  // Empty slots come first, so if this one may not be recycled, none after it may.
  for (const auto& [order, age, index] : available_) {
    const Slot& slot = slots_[index];
    if (HeldByReaders(index)) continue;
    if (!MayRecycle(slot)) return false;
    if (renewing_ == 0) return true;
    if (!slot.in_flight && !IsNewest(index)) return true;
  }
  return false;
}

bool Ring::TakeWakeup() { return starved_ && Fillable() && std::exchange(starved_, false); }

}  // namespace grabfs
