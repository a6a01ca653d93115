// SPDX-License-Identifier: Apache-2.0
//
// Slots in flight: which are renewed, and when.
#include <cassert>

#include "fusefs/ring/ring.h"

namespace grabfs {

std::vector<Ring::Frame> Ring::TakeEvicted() {
  const std::lock_guard lock(mutex_);
  return std::exchange(evicted_, {});
}

bool Ring::WaitsForRenewal() const {
  const std::lock_guard lock(mutex_);
  return waits_for_renewal_;
}

void Ring::InFlight(uint64_t sequence) {
  Do([&] {
    if (const auto index = SlotOf(sequence)) MarkInFlight(*index);
  });
}

void Ring::SlotInFlight(uint32_t index) {
  Do([&] {
    if (HasBeenHeld(slots_[index])) MarkInFlight(index);
  });
}

void Ring::AllInFlight() {
  Do([&] {
    for (uint32_t index = 0; index < slots(); ++index) {
      if (HasBeenHeld(slots_[index])) MarkInFlight(index);
    }
  });
}

// Whether a frame in this slot was held. With a ring file it may have been: readers hold without a
// call. What programs write into a buffer without a frame is not protected.
bool Ring::HasBeenHeld(const Slot& slot) const { return slot.used && (slot.was_held || file_); }

void Ring::MarkInFlight(uint32_t index) {
  Slot& slot = slots_[index];
  if (!on_renew_ || slot.state == State::kRenewing) return;
  if (slot.state == State::kFilling) {
    slot.in_flight |= slot.undecided;
    return;
  }
  RemoveAvailable(index);
  slot.in_flight = true;
  AddAvailable(index);
}

// Renews one slot at a time: each captured frame takes one slot, so one ready slot is enough.
void Ring::RenewAhead(bool starving) {
  if (renewing_ > 0) return;
  for (auto it = available_.begin(); it != available_.end();) {
    const uint32_t index = std::get<2>(*it);
    ++it;  // RemoveAvailable() below invalidates the element, not its successor
    const Slot& slot = slots_[index];
    if (!MayRecycle(slot) || !slot.in_flight) return;  // the next slot is ready, or there is none
    if (IsNewest(index) && !starving) return;
    if (HeldByReaders(index)) continue;
    RemoveAvailable(index);
    const bool used = StillUsed(index);
    if (!used && TakeFromReaders(index)) return BeginRenewal(index);
    recheck_needed_ |= used;
    AddAvailable(index);
  }
}

void Ring::BeginRenewal(uint32_t index) {
  Slot& slot = slots_[index];
  if (slot.named) {
    evicted_.push_back(FrameAt(index));
    Unname(index);
  }
  if (slot.state == State::kReady) nameless_.erase(slot.info.sequence);
  slot.state = State::kRenewing;
  ++renewing_;
  to_renew_.push_back(index);
}

void Ring::Renewed(uint32_t index) {
  Do([&] {
    Slot& slot = slots_[index];
    assert(slot.state == State::kRenewing && !slot.aside);
    --renewing_;
    slot.in_flight = false;
    slot.used = false;
    slot.renewed = true;
    BecomeFree(index);
  });
}

bool Ring::AwaitsFrame(uint32_t index) const {
  const std::lock_guard lock(mutex_);
  return slots_[index].renewed;
}

void Ring::PutAside(uint32_t index) {
  Do([&] {
    assert(slots_[index].state == State::kRenewing && !slots_[index].aside);
    --renewing_;
    slots_[index].aside = true;
  });
}

std::vector<uint32_t> Ring::Aside() const {
  const std::lock_guard lock(mutex_);
  std::vector<uint32_t> aside;
  for (uint32_t index = 0; index < slots(); ++index) {
    if (slots_[index].aside) aside.push_back(index);
  }
  return aside;
}

void Ring::RenewAgain(uint32_t index) {
  Do([&] {
    if (!std::exchange(slots_[index].aside, false)) return;
    ++renewing_;
    to_renew_.push_back(index);
  });
}

}  // namespace grabfs
