// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/ring/ring_model.h"

#include <algorithm>

namespace grabfs {

RingModel::RingModel(uint32_t slots, Policy policy, const std::set<uint32_t>& mapped)
    : mapped_(mapped), policy_(policy), slots_(slots) {
  for (Slot& slot : slots_) slot.emptied_at = ++clock_;
}

std::optional<Ring::Fill> RingModel::BeginFill() {
  ++fills_;
  Slot* due = nullptr;
  for (Slot& slot : slots_) {
    if (!slot.known_mapped || slot.holds > 0 || fills_ < slot.look_again_at) continue;
    if (due == nullptr || slot.look_again_at < due->look_again_at) due = &slot;
  }
  if (due != nullptr) {
    due->known_mapped = false;
    due->may_be_mapped = true;
  }
  const auto fill = TakeOne();
  RenewAhead(!fill);
  refused_ = !fill;
  waits_for_renewal_ = !fill && Renewing();
  return fill;
}

std::optional<Ring::Fill> RingModel::TakeOne() {
  bool passed = false;
  for (const uint32_t index : ToTake()) {
    if (IsNewest(index) && (passed || Renewing())) return std::nullopt;
    LookAt(index);
    const Slot& slot = slots_[index];
    if (slot.known_mapped) continue;
    if (!slot.in_flight) return Take(index);
    passed = true;
  }
  return std::nullopt;
}

std::optional<Ring::Fill> RingModel::Take(uint32_t index) {
  Slot& slot = slots_[index];
  Ring::Fill fill{index, std::nullopt};
  if (Named(slot)) {
    fill.evicted = slot.frame->info.sequence;
    LoseName(slot);
  }
  slot.frame.reset();
  slot.filling = true;
  slot.was_held = false;
  return fill;
}

void RingModel::RenewAhead(bool starving) {
  if (Renewing()) return;
  for (const uint32_t index : ToTake()) {
    Slot& slot = slots_[index];
    if (!slot.in_flight || (IsNewest(index) && !starving)) return;
    LookAt(index);
    if (slot.known_mapped) continue;
    if (Named(slot)) LoseName(slot);
    slot.frame.reset();
    slot.renewing = true;
    return;
  }
}

void RingModel::InFlight(uint64_t sequence) {
  if (const auto frame = Find(sequence)) MarkInFlight(frame->slot);
}

void RingModel::SlotInFlight(uint32_t slot) {
  if (HasBeenHeld(slots_[slot])) MarkInFlight(slot);
}

void RingModel::AllInFlight() {
  for (uint32_t index = 0; index < slots_.size(); ++index) {
    if (HasBeenHeld(slots_[index])) MarkInFlight(index);
  }
}

bool RingModel::HasBeenHeld(const Slot& slot) { return slot.used && slot.was_held; }

void RingModel::MarkInFlight(uint32_t index) {
  Slot& slot = slots_[index];
  if (slot.filling || slot.renewing) return;
  slot.in_flight = true;
  EndNamelessFrame(slot);
  WakeIfDue();
}

void RingModel::Renewed(uint32_t index) {
  Slot& slot = slots_[index];
  slot.renewing = slot.in_flight = slot.was_held = slot.used = false;
  slot.emptied_at = ++clock_;
  WakeIfDue();
}

void RingModel::PutAside(uint32_t slot) {
  slots_[slot].aside = true;
  WakeIfDue();
}

void RingModel::RenewAgain(uint32_t slot) { slots_[slot].aside = false; }

FrameInfo RingModel::Complete(uint32_t slot, FrameInfo info) {
  info.dropped = dropped_before_next_;
  dropped_before_next_ = 0;
  slots_[slot].filling = false;
  slots_[slot].frame = Frame{.info = info};
  slots_[slot].used = true;
  ++counters_.captured;
  WakeIfDue();
  return info;
}

void RingModel::Fail(uint32_t slot) {
  Cancel(slot);
  ++counters_.captured;
  ++counters_.failed;
}

void RingModel::Cancel(uint32_t slot) {
  slots_[slot].filling = false;
  slots_[slot].was_held = false;
  slots_[slot].emptied_at = ++clock_;
  WakeIfDue();
}

void RingModel::Drop(uint64_t count) {
  counters_.captured += count;
  counters_.dropped += count;
  dropped_before_next_ += count;
}

std::optional<Ring::Frame> RingModel::Hold(uint64_t sequence) {
  for (uint32_t index = 0; index < slots_.size(); ++index) {
    Slot& slot = slots_[index];
    if (!slot.frame || slot.frame->info.sequence != sequence) continue;
    if (!Named(slot) && slot.holds == 0) return std::nullopt;
    ++slot.holds;
    slot.was_held = true;
    slot.frame->opened = true;
    return Ring::Frame{index, slot.frame->info};
  }
  return std::nullopt;
}

bool RingModel::HoldSlot(uint32_t slot) {
  if (slots_[slot].filling || slots_[slot].renewing) return false;
  ++slots_[slot].holds;
  slots_[slot].was_held = true;
  return true;
}

void RingModel::Release(uint32_t index, bool may_be_mapped) {
  Slot& slot = slots_[index];
  --slot.holds;
  slot.may_be_mapped |= may_be_mapped || slot.known_mapped;
  if (slot.holds > 0) return;
  slot.known_mapped = false;
  slot.patience = 1;
  EndNamelessFrame(slot);
  WakeIfDue();
}

std::vector<uint32_t> RingModel::Recheck() {
  std::vector<uint32_t> still;
  for (uint32_t index = 0; index < slots_.size(); ++index) {
    const Slot& slot = slots_[index];
    if (slot.holds > 0 || !(slot.may_be_mapped || slot.known_mapped)) continue;
    LookAt(index);
    if (slot.known_mapped) still.push_back(index);
    WakeIfDue();
  }
  return still;
}

bool RingModel::Unlink(uint64_t sequence) {
  for (Slot& slot : slots_) {
    if (!Named(slot) || slot.frame->info.sequence != sequence) continue;
    LoseName(slot);
    EndNamelessFrame(slot);
    WakeIfDue();
    return true;
  }
  return false;
}

void RingModel::SetPolicy(Policy policy) {
  policy_ = policy;
  WakeIfDue();
}

std::optional<Ring::Frame> RingModel::Find(uint64_t sequence) const {
  for (uint32_t index = 0; index < slots_.size(); ++index) {
    const auto& frame = slots_[index].frame;
    if (frame && frame->info.sequence == sequence) return Ring::Frame{index, frame->info};
  }
  return std::nullopt;
}

std::optional<Ring::Frame> RingModel::NextFrom(uint64_t sequence) const {
  std::optional<Ring::Frame> best;
  for (uint32_t index = 0; index < slots_.size(); ++index) {
    const Slot& slot = slots_[index];
    if (!Named(slot) || slot.frame->info.sequence < sequence) continue;
    if (!best || slot.frame->info.sequence < best->info.sequence) best = {index, slot.frame->info};
  }
  return best;
}

std::optional<Ring::Frame> RingModel::Newest() const {
  std::optional<Ring::Frame> best;
  for (auto frame = NextFrom(0); frame; frame = NextFrom(frame->info.sequence + 1)) best = frame;
  return best;
}

RingCounters RingModel::Counters() const {
  RingCounters counters = counters_;
  for (const Slot& slot : slots_) counters.present += Named(slot);
  return counters;
}

RingOccupancy RingModel::Occupancy() const {
  RingOccupancy occupancy;
  for (const Slot& slot : slots_) {
    const bool held = slot.holds > 0 || slot.known_mapped;
    ++occupancy.count;
    occupancy.held += held;
    occupancy.filling += slot.filling;
    occupancy.ready += Named(slot);
    occupancy.free += !held && !slot.filling && !slot.renewing && !slot.frame;
    occupancy.renewing += slot.renewing && !slot.aside;
    occupancy.aside += slot.aside;
  }
  return occupancy;
}

bool RingModel::Idle(const Slot& slot) const {
  return !slot.filling && !slot.renewing && slot.holds == 0 && !slot.known_mapped;
}

bool RingModel::MayBeTaken(const Slot& slot) const {
  return Idle(slot) && (!Named(slot) || policy_ == Policy::kKeepNewest);
}

bool RingModel::TakenBefore(const Slot& a, const Slot& b) const {
  if (Named(a) != Named(b)) return Named(b);
  if (Named(a)) return a.frame->info.sequence < b.frame->info.sequence;
  return a.emptied_at < b.emptied_at;
}

std::vector<uint32_t> RingModel::ToTake() const {
  std::vector<uint32_t> indices;
  for (uint32_t index = 0; index < slots_.size(); ++index) {
    if (MayBeTaken(slots_[index])) indices.push_back(index);
  }
  std::ranges::sort(indices,
                    [this](uint32_t a, uint32_t b) { return TakenBefore(slots_[a], slots_[b]); });
  return indices;
}

bool RingModel::IsNewest(uint32_t index) const {
  return Named(slots_[index]) && Newest()->slot == index;
}

bool RingModel::Renewing() const { return Occupancy().renewing > 0; }

bool RingModel::Fillable() const {
  return std::ranges::any_of(ToTake(), [this](uint32_t index) {
    return !Renewing() || (!slots_[index].in_flight && !IsNewest(index));
  });
}

void RingModel::LookAt(uint32_t index) {
  Slot& slot = slots_[index];
  if (!slot.may_be_mapped && !slot.known_mapped) return;
  slot.known_mapped = mapped_.contains(index);
  slot.may_be_mapped = false;
  slot.look_again_at = fills_ + slot.patience;
  slot.patience = slot.known_mapped ? 2 * slot.patience : 1;
  EndNamelessFrame(slot);
}

void RingModel::LoseName(Slot& slot) {
  slot.frame->named = false;
  slot.emptied_at = ++clock_;
  ++(slot.frame->opened ? counters_.delivered : counters_.recycled);
}

void RingModel::EndNamelessFrame(Slot& slot) {
  if (Named(slot) || !Idle(slot) || slot.may_be_mapped) return;
  slot.frame.reset();
  slot.renewing = slot.in_flight;
}

void RingModel::WakeIfDue() {
  if (!refused_ || !Fillable()) return;
  refused_ = false;
  ++wakeups_;
}

}  // namespace grabfs
