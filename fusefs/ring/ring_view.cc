// SPDX-License-Identifier: Apache-2.0
//
// What the ring tells of its frames and slots.
#include <string>

#include "fusefs/ring/ring.h"

namespace grabfs {

RingCounters& RingCounters::operator+=(const RingCounters& other) {
  captured += other.captured;
  delivered += other.delivered;
  recycled += other.recycled;
  dropped += other.dropped;
  failed += other.failed;
  present += other.present;
  return *this;
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
  LookAtReaders();
  for (uint32_t index = 0; index < slots(); ++index) {
    const Slot& slot = slots_[index];
    const bool held = slot.holds > 0 || slot.mapped || HeldByReaders(index);
    occupancy.held += held;
    occupancy.filling += slot.state == State::kFilling;
    occupancy.ready += slot.named;
    occupancy.free += slot.state == State::kFree && !held;
    occupancy.renewing += slot.state == State::kRenewing && !slot.aside;
    occupancy.aside += slot.aside;
  }
  return occupancy;
}

std::string Ring::States() const {
  const std::lock_guard lock(mutex_);
  std::string states;
  states.reserve(slots_.size());
  LookAtReaders();
  for (uint32_t index = 0; index < slots(); ++index) {
    states += LetterOf(slots_[index], HeldByReaders(index));
  }
  return states;
}

char Ring::LetterOf(const Slot& slot, bool by_readers) {
  const bool held = slot.holds > 0 || slot.mapped || by_readers;
  switch (slot.state) {
    case State::kFree:
      return held ? 'E' : 'e';
    case State::kFilling:
      return 'f';
    case State::kReady:
      return held ? 'R' : 'r';
    case State::kRenewing:
      return slot.aside ? 'a' : 'n';
  }
  return '?';
}

}  // namespace grabfs
