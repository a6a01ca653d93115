// SPDX-License-Identifier: Apache-2.0
//
// The promises of fusefs/ring/ring.h once more, in the plainest way: a list of slots, searched from
// end to end at each question. Slow and obviously right; the random test compares Ring with it.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "fusefs/ring/ring.h"

namespace grabfs {

class RingModel {
 public:
  // `mapped` is the world: the slots that somebody really has mapped.
  RingModel(uint32_t slots, Policy policy, const std::set<uint32_t>& mapped);

  std::optional<Ring::Fill> BeginFill();
  FrameInfo Complete(uint32_t slot, FrameInfo info);
  void Fail(uint32_t slot);
  void Cancel(uint32_t slot);
  void Drop(uint64_t count);
  std::optional<Ring::Frame> Hold(uint64_t sequence);
  bool HoldSlot(uint32_t slot);
  void Release(uint32_t slot, bool may_be_mapped);
  std::vector<uint32_t> Recheck();
  void InFlight(uint64_t sequence);
  void SlotInFlight(uint32_t slot);
  void AllInFlight();
  void Renewed(uint32_t slot);
  void PutAside(uint32_t slot);
  void RenewAgain(uint32_t slot);
  bool Unlink(uint64_t sequence);
  void SetPolicy(Policy policy);

  [[nodiscard]] std::optional<Ring::Frame> Find(uint64_t sequence) const;
  [[nodiscard]] std::optional<Ring::Frame> NextFrom(uint64_t sequence) const;
  [[nodiscard]] std::optional<Ring::Frame> Newest() const;
  [[nodiscard]] RingCounters Counters() const;
  [[nodiscard]] RingOccupancy Occupancy() const;
  [[nodiscard]] int wakeups() const { return wakeups_; }
  [[nodiscard]] bool waits_for_renewal() const { return waits_for_renewal_; }

 private:
  struct Frame {
    FrameInfo info;
    bool named = true;
    bool opened = false;
  };
  struct Slot {
    bool filling = false;
    bool renewing = false;
    bool aside = false;
    bool in_flight = false;
    bool used = false;      // since it was renewed
    bool was_held = false;  // since it was filled
    std::optional<Frame> frame;
    uint32_t holds = 0;
    bool may_be_mapped = false;  // released, perhaps mapped: not looked at since
    bool known_mapped = false;   // looked at, and mapped
    uint64_t patience = 1;       // fills until it is looked at again
    uint64_t look_again_at = 0;
    uint64_t emptied_at = 0;
  };

  [[nodiscard]] bool Named(const Slot& slot) const { return slot.frame && slot.frame->named; }
  // Not in anybody's hands, as far as is known without looking.
  [[nodiscard]] bool Idle(const Slot& slot) const;
  [[nodiscard]] bool MayBeTaken(const Slot& slot) const;
  [[nodiscard]] bool TakenBefore(const Slot& a, const Slot& b) const;
  // All that may be taken, the next one first.
  [[nodiscard]] std::vector<uint32_t> ToTake() const;
  [[nodiscard]] bool IsNewest(uint32_t slot) const;
  [[nodiscard]] bool Renewing() const;
  [[nodiscard]] bool Fillable() const;
  std::optional<Ring::Fill> Take(uint32_t slot);
  std::optional<Ring::Fill> TakeOne();
  void RenewAhead(bool starving);
  [[nodiscard]] static bool HasBeenHeld(const Slot& slot);
  void MarkInFlight(uint32_t slot);
  void LookAt(uint32_t slot);
  void LoseName(Slot& slot);
  void EndNamelessFrame(Slot& slot);
  void WakeIfDue();

  const std::set<uint32_t>& mapped_;
  Policy policy_;
  std::vector<Slot> slots_;
  RingCounters counters_;
  uint64_t dropped_before_next_ = 0;
  uint64_t fills_ = 0;
  uint64_t clock_ = 0;
  bool refused_ = false;
  bool waits_for_renewal_ = false;
  int wakeups_ = 0;
};

}  // namespace grabfs
