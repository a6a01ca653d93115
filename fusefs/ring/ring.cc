// SPDX-License-Identifier: Apache-2.0
#include "fusefs/ring/ring.h"

#include <cassert>
#include <utility>

namespace grabfs {

std::string_view PolicyName(Policy policy) {
  return policy == Policy::kKeepNewest ? "keep-newest" : "keep-oldest";
}

std::optional<Policy> ParsePolicy(std::string_view name) {
  for (const Policy policy : {Policy::kKeepNewest, Policy::kKeepOldest}) {
    if (name == PolicyName(policy)) return policy;
  }
  return std::nullopt;
}

RingCounters& RingCounters::operator+=(const RingCounters& other) {
  captured += other.captured;
  delivered += other.delivered;
  recycled += other.recycled;
  dropped += other.dropped;
  failed += other.failed;
  present += other.present;
  return *this;
}

Ring::Ring(Options options)
    : probe_(std::move(options.probe)),
      on_available_(std::move(options.on_available)),
      policy_(options.policy),
      slots_(options.slots) {
  for (uint32_t slot = 0; slot < slots(); ++slot) BecomeFree(slot);
}

std::optional<Ring::Fill> Ring::BeginFill() {
  const std::lock_guard lock(mutex_);
  ++fills_;
  OfferOneMapped();
  for (auto it = available_.begin(); it != available_.end();) {
    const uint32_t index = std::get<2>(*it);
    Slot& slot = slots_[index];
    if (slot.named && policy_ == Policy::kKeepOldest) break;
    ++it;  // Unshelve() below invalidates the element, not its successor
    Unshelve(index);
    if (StillUsed(index)) {
      doubt_ = true;
      Shelve(index);
      continue;
    }
    Fill fill{index, std::nullopt};
    if (slot.named) {
      fill.evicted = slot.info.sequence;
      Unname(index);
    }
    if (slot.state == State::kReady) nameless_.erase(slot.info.sequence);
    slot.state = State::kFilling;
    starved_ = false;
    return fill;
  }
  starved_ = true;
  return std::nullopt;
}

bool Ring::TakeDoubt() {
  const std::lock_guard lock(mutex_);
  return std::exchange(doubt_, false);
}

FrameInfo Ring::Complete(uint32_t index, FrameInfo info) {
  const std::lock_guard lock(mutex_);
  Slot& slot = slots_[index];
  assert(slot.state == State::kFilling);
  info.dropped = std::exchange(dropped_before_next_, 0);
  slot.state = State::kReady;
  slot.named = true;
  slot.opened = false;
  slot.info = info;
  assert(named_.empty() || named_.rbegin()->first < info.sequence);
  named_.emplace_hint(named_.end(), info.sequence, index);
  ++counters_.captured;
  ++counters_.present;
  Shelve(index);
  return info;
}

void Ring::Fail(uint32_t slot) {
  const std::lock_guard lock(mutex_);
  assert(slots_[slot].state == State::kFilling);
  ++counters_.captured;
  ++counters_.failed;
  BecomeFree(slot);
}

void Ring::Cancel(uint32_t slot) {
  const std::lock_guard lock(mutex_);
  assert(slots_[slot].state == State::kFilling);
  BecomeFree(slot);
}

FrameInfo Ring::CompleteElsewhere(FrameInfo info) {
  const std::lock_guard lock(mutex_);
  info.dropped = std::exchange(dropped_before_next_, 0);
  ++counters_.captured;
  ++counters_.delivered;
  return info;
}

void Ring::FailElsewhere() {
  const std::lock_guard lock(mutex_);
  ++counters_.captured;
  ++counters_.failed;
}

void Ring::Drop(uint64_t count) {
  const std::lock_guard lock(mutex_);
  counters_.captured += count;
  counters_.dropped += count;
  dropped_before_next_ += count;
}

std::optional<Ring::Frame> Ring::Hold(uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  const auto index = SlotOf(sequence);
  if (!index) return std::nullopt;
  Slot& slot = slots_[*index];
  if (!slot.named && slot.holds == 0) return std::nullopt;
  Unshelve(*index);
  ++slot.holds;
  ++slot.hold_serial;
  slot.opened = true;
  return FrameAt(*index);
}

bool Ring::HoldSlot(uint32_t index) {
  const std::lock_guard lock(mutex_);
  Slot& slot = slots_[index];
  if (slot.state == State::kFilling) return false;
  Unshelve(index);
  ++slot.holds;
  ++slot.hold_serial;
  return true;
}

void Ring::Release(uint32_t index, bool may_be_mapped) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    Slot& slot = slots_[index];
    assert(slot.holds > 0);
    slot.suspect |= may_be_mapped;
    if (--slot.holds > 0) return;
    ForgetMapped(index);  // not known any more: the next taker probes
    Shelve(index);
    wake = TakeWakeup();
  }
  if (wake && on_available_) on_available_();
}

std::vector<Ring::Mapped> Ring::Recheck() {
  std::vector<Mapped> still;
  // Slot by slot: thousands of probes under one lock would keep openers and capture waiting.
  for (uint32_t index = 0; index < slots(); ++index) {
    bool wake = false;
    {
      const std::lock_guard lock(mutex_);
      const Slot& slot = slots_[index];
      if (slot.holds > 0 || !slot.suspect) continue;
      Unshelve(index);
      if (StillUsed(index)) still.push_back({index, slot.info.sequence, slot.hold_serial});
      Shelve(index);
      wake = TakeWakeup();
    }
    if (wake && on_available_) on_available_();
  }
  return still;
}

bool Ring::InUse(uint64_t sequence) {
  bool used = false;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    const auto index = SlotOf(sequence);
    if (!index) return false;
    const Slot& slot = slots_[*index];
    if (slot.holds > 0) return true;
    if (!slot.suspect) return false;
    Unshelve(*index);
    used = StillUsed(*index);
    Shelve(*index);
    wake = TakeWakeup();
  }
  if (wake && on_available_) on_available_();
  return used;
}

void Ring::Settle(const Mapped& mapped) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    Slot& slot = slots_[mapped.slot];
    if (slot.holds > 0 || slot.hold_serial != mapped.hold_serial) return;
    Unshelve(mapped.slot);
    ForgetMapped(mapped.slot);
    slot.suspect = false;
    Shelve(mapped.slot);
    wake = TakeWakeup();
  }
  if (wake && on_available_) on_available_();
}

std::optional<Ring::Frame> Ring::Find(uint64_t sequence) const {
  const std::lock_guard lock(mutex_);
  const auto index = SlotOf(sequence);
  return index ? std::optional(FrameAt(*index)) : std::nullopt;
}

bool Ring::Named(uint64_t sequence) const {
  const std::lock_guard lock(mutex_);
  return named_.contains(sequence);
}

std::optional<Ring::Frame> Ring::Newest() const {
  const std::lock_guard lock(mutex_);
  if (named_.empty()) return std::nullopt;
  return FrameAt(named_.rbegin()->second);
}

std::optional<Ring::Frame> Ring::Oldest() const { return NextFrom(0); }

std::optional<Ring::Frame> Ring::NextFrom(uint64_t sequence) const {
  const std::lock_guard lock(mutex_);
  const auto it = named_.lower_bound(sequence);
  if (it == named_.end()) return std::nullopt;
  return FrameAt(it->second);
}

std::optional<FrameInfo> Ring::At(uint32_t slot) const {
  const std::lock_guard lock(mutex_);
  if (slots_[slot].state != State::kReady) return std::nullopt;
  return slots_[slot].info;
}

bool Ring::Filling(uint32_t slot) const {
  const std::lock_guard lock(mutex_);
  return slots_[slot].state == State::kFilling;
}

RingCounters Ring::Counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

RingOccupancy Ring::Occupancy() const {
  const std::lock_guard lock(mutex_);
  RingOccupancy occupancy;
  occupancy.count = slots();
  for (const Slot& slot : slots_) {
    const bool held = slot.holds > 0 || slot.mapped;
    occupancy.held += held;
    occupancy.filling += slot.state == State::kFilling;
    occupancy.ready += slot.named;
    occupancy.free += slot.state == State::kFree && !held;
  }
  return occupancy;
}

std::string Ring::States() const {
  const std::lock_guard lock(mutex_);
  std::string states;
  states.reserve(slots_.size());
  for (const Slot& slot : slots_) {
    const bool held = slot.holds > 0 || slot.mapped;
    if (slot.state == State::kFilling) {
      states += 'f';
    } else if (slot.state == State::kReady) {
      states += held ? 'R' : 'r';
    } else {
      states += held ? 'E' : 'e';
    }
  }
  return states;
}

bool Ring::Unlink(uint64_t sequence) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    const auto it = named_.find(sequence);
    if (it == named_.end()) return false;
    const uint32_t slot = it->second;
    Unshelve(slot);
    LoseName(slot);
    Shelve(slot);
    wake = TakeWakeup();
  }
  if (wake && on_available_) on_available_();
  return true;
}

std::vector<uint64_t> Ring::Retire() {
  const std::lock_guard lock(mutex_);
  std::vector<uint64_t> gone;
  gone.reserve(named_.size());
  while (!named_.empty()) {
    const auto [sequence, slot] = *named_.begin();
    gone.push_back(sequence);
    Unshelve(slot);
    LoseName(slot);
    Shelve(slot);
  }
  return gone;
}

void Ring::SetPolicy(Policy policy) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    policy_ = policy;
    wake = TakeWakeup();
  }
  if (wake && on_available_) on_available_();
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

void Ring::Shelve(uint32_t index) {
  Slot& slot = slots_[index];
  if (slot.holds > 0 || slot.state == State::kFilling) return;
  if (slot.mapped) {
    mapped_.emplace(slot.probe_due, index);
    return;
  }
  // A frame that lost its name stays readable for its holders; when the last is gone it is over.
  if (slot.state == State::kReady && !slot.named && !slot.suspect) {
    slot.state = State::kFree;
    nameless_.erase(slot.info.sequence);
  }
  available_.insert(PlaceOf(index));
}

void Ring::Unshelve(uint32_t index) {
  available_.erase(PlaceOf(index));
  mapped_.erase({slots_[index].probe_due, index});
}

bool Ring::StillUsed(uint32_t index) {
  Slot& slot = slots_[index];
  if (!slot.suspect) return false;
  slot.suspect = probe_ && probe_(index);
  if (!slot.suspect) {
    ForgetMapped(index);
    return false;
  }
  slot.mapped = true;
  slot.probe_due = fills_ + slot.probe_gap;
  slot.probe_gap *= 2;
  return true;
}

void Ring::ForgetMapped(uint32_t index) {
  slots_[index].mapped = false;
  slots_[index].probe_gap = 1;
}

void Ring::OfferOneMapped() {
  if (mapped_.empty() || mapped_.begin()->first > fills_) return;
  const uint32_t index = mapped_.begin()->second;
  Unshelve(index);
  slots_[index].mapped = false;  // a suspect again
  Shelve(index);
}

void Ring::Unname(uint32_t index) {
  Slot& slot = slots_[index];
  named_.erase(slot.info.sequence);
  slot.named = false;
  slot.freed_at = ++free_clock_;
  --counters_.present;
  ++(slot.opened ? counters_.delivered : counters_.recycled);
}

void Ring::LoseName(uint32_t index) {
  Unname(index);
  nameless_.emplace(slots_[index].info.sequence, index);
}

void Ring::BecomeFree(uint32_t index) {
  Slot& slot = slots_[index];
  slot.state = State::kFree;
  slot.freed_at = ++free_clock_;
  Shelve(index);
}

bool Ring::Fillable() const {
  if (available_.empty()) return false;
  // Empty slots come first: when the first one has a frame, all have.
  const Slot& first = slots_[std::get<2>(*available_.begin())];
  return policy_ == Policy::kKeepNewest || !first.named;
}

bool Ring::TakeWakeup() { return Fillable() && std::exchange(starved_, false); }

}  // namespace grabfs
