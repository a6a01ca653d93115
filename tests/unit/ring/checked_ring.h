// SPDX-License-Identifier: Apache-2.0
//
// A Ring whose books are audited after every step, over memory that exists only in the test:
// `mapped` tells which slots somebody still has mapped, `wakeups` how often capture was woken,
// `renewals` which slots are to be renewed. No slot in flight is ever handed out to be filled.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "fusefs/ring/ring.h"

namespace grabfs {

class CheckedRing {
 public:
  explicit CheckedRing(uint32_t slots, Policy policy = Policy::kKeepNewest)
      : ring_({.slots = slots,
               .policy = policy,
               .probe = [this](uint32_t slot) { return ++probes, mapped.contains(slot); },
               .on_available = [this] { ++wakeups; },
               .on_renew = [this](uint32_t slot) { renewals.push_back(slot); }}) {
    Audit();
  }

  // The world around the ring, for the test to change and to count.
  std::set<uint32_t> mapped;
  int probes = 0;
  int wakeups = 0;
  std::vector<uint32_t> renewals;  // asked for, in this order, and not answered yet
  bool confirms = true;            // undecided slots, by itself

  std::optional<Ring::Fill> BeginFill(Ring::Need need = Ring::Need::kNow) {
    const Auditor auditor(*this);
    const auto fill = ring_.BeginFill(need);
    filling_ += fill.has_value();
    EXPECT_FALSE(fill && in_flight_.contains(fill->slot)) << "bytes of it are on their way";
    const bool confirmed = !confirms || !fill || !fill->undecided || ring_.Confirm(fill->slot);
    EXPECT_TRUE(confirmed) << "nothing was sent off meanwhile";
    return fill;
  }
  bool Confirm(uint32_t slot) {
    const Auditor auditor(*this);
    const bool confirmed = ring_.Confirm(slot);
    filling_ -= !confirmed;
    return confirmed;
  }
  bool TakeRecheckNeeded() { return ring_.TakeRecheckNeeded(); }
  FrameInfo Complete(uint32_t slot, FrameInfo info) {
    const Auditor auditor(*this);
    --filling_;
    return ring_.Complete(slot, info);
  }
  void Fail(uint32_t slot) {
    const Auditor auditor(*this);
    --filling_;
    ring_.Fail(slot);
  }
  void Cancel(uint32_t slot) {
    const Auditor auditor(*this);
    --filling_;
    ring_.Cancel(slot);
  }
  void Drop(uint64_t count) {
    const Auditor auditor(*this);
    ring_.Drop(count);
  }
  std::optional<Ring::Frame> Hold(uint64_t sequence,
                                  Ring::Purpose purpose = Ring::Purpose::kOpened) {
    const Auditor auditor(*this);
    return ring_.Hold(sequence, purpose);
  }
  bool HoldSlot(uint32_t slot) {
    const Auditor auditor(*this);
    return ring_.HoldSlot(slot);
  }
  void Release(uint32_t slot, bool may_be_mapped = false) {
    const Auditor auditor(*this);
    ring_.Release(slot, may_be_mapped);
  }
  std::vector<Ring::Mapped> Recheck() {
    const Auditor auditor(*this);
    return ring_.Recheck();
  }
  void MarkUnmapped(const Ring::Mapped& mapped_slot) {
    const Auditor auditor(*this);
    ring_.MarkUnmapped(mapped_slot);
  }
  void InFlight(uint64_t sequence) {
    const Auditor auditor(*this);
    if (const auto frame = ring_.Find(sequence)) in_flight_.insert(frame->slot);
    ring_.InFlight(sequence);
  }
  void SlotInFlight(uint32_t slot) {
    const Auditor auditor(*this);
    ring_.SlotInFlight(slot);
  }
  void AllInFlight() {
    const Auditor auditor(*this);
    ring_.AllInFlight();
  }
  // Answers the oldest request.
  void Renew() {
    const Auditor auditor(*this);
    const uint32_t slot = TakeRenewal();
    in_flight_.erase(slot);
    ring_.Renewed(slot);
  }
  void PutAside() {
    const Auditor auditor(*this);
    ring_.PutAside(TakeRenewal());
  }
  void RenewAgain(uint32_t slot) {
    const Auditor auditor(*this);
    ring_.RenewAgain(slot);
  }
  std::vector<uint64_t> TakeEvicted() {
    std::vector<uint64_t> sequences;
    for (const Ring::Frame& frame : ring_.TakeEvicted()) sequences.push_back(frame.info.sequence);
    return sequences;
  }
  bool Unlink(uint64_t sequence) {
    const Auditor auditor(*this);
    return ring_.Unlink(sequence);
  }
  std::vector<uint64_t> Retire() {
    const Auditor auditor(*this);
    return ring_.Retire();
  }
  void SetPolicy(Policy policy) {
    const Auditor auditor(*this);
    ring_.SetPolicy(policy);
  }

  // Captures one frame as a device does: into the next slot, or dropped for want of one.
  std::optional<uint32_t> Capture(uint64_t sequence) {
    const auto fill = BeginFill();
    if (!fill) {
      Drop(1);
      return std::nullopt;
    }
    Complete(fill->slot, {.sequence = sequence});
    return fill->slot;
  }
  void CaptureAll(uint64_t first, uint64_t last) {
    for (uint64_t sequence = first; sequence <= last; ++sequence) Capture(sequence);
  }

  [[nodiscard]] const Ring& look() const { return ring_; }
  [[nodiscard]] RingCounters counters() const { return ring_.Counters(); }
  [[nodiscard]] RingOccupancy occupancy() const { return ring_.Occupancy(); }

 private:
  // Audits at the end of an operation.
  class Auditor {
   public:
    explicit Auditor(const CheckedRing& ring) : ring_(ring) {}
    Auditor(const Auditor&) = delete;
    Auditor& operator=(const Auditor&) = delete;
    ~Auditor() { ring_.Audit(); }

   private:
    const CheckedRing& ring_;
  };

  uint32_t TakeRenewal() {
    const uint32_t slot = renewals.front();
    renewals.erase(renewals.begin());
    return slot;
  }

  void Audit() const {
    const RingCounters counters = ring_.Counters();
    EXPECT_EQ(counters.captured, counters.delivered + counters.recycled + counters.dropped +
                                     counters.failed + counters.present);
    const RingOccupancy occupancy = ring_.Occupancy();
    EXPECT_EQ(occupancy.count, ring_.slots());
    EXPECT_EQ(occupancy.ready, counters.present);
    EXPECT_EQ(occupancy.filling, filling_);
    const uint32_t out = occupancy.renewing + occupancy.aside;
    EXPECT_EQ(occupancy.renewing, renewals.size());
    EXPECT_LE(occupancy.free + occupancy.filling + occupancy.ready + out, occupancy.count);
    EXPECT_LE(occupancy.held + occupancy.free + occupancy.filling + out, occupancy.count);
    const std::string states = ring_.States();
    const auto count = [&](char state) { return std::ranges::count(states, state); };
    EXPECT_EQ(states.size(), occupancy.count);
    EXPECT_EQ(count('e'), occupancy.free) << states;
    EXPECT_EQ(count('f'), occupancy.filling) << states;
    EXPECT_EQ(count('E') + count('R'), occupancy.held) << states;
    EXPECT_EQ(count('n'), occupancy.renewing) << states;
    EXPECT_EQ(count('a'), occupancy.aside) << states;
  }

  Ring ring_;
  uint32_t filling_ = 0;
  std::set<uint32_t> in_flight_;  // said so by sequence number, and not renewed since
};

}  // namespace grabfs
