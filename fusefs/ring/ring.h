// SPDX-License-Identifier: Apache-2.0
//
// The state machine of a device's buffers: which frame is in which slot, who holds a slot, which
// slot is filled next, and what became of each sequence number. It knows neither memory nor devices
// nor FUSE, and has no thread and no clock, so that it can be tested alone.
//
//                 BeginFill            Complete
//     free ───────────────▶ filling ───────────────▶ ready ──┐ Hold / Release
//     ▲ ▲ ▲                    │                     │ │ ▲   │ (held: never filled)
//     │ │ └──── Fail, Cancel ──┘                     │ │ └───┘
//     │ └──────────── BeginFill (recycles), Unlink ──┘ │
//     │  Renewed                                       │ the same, of a slot in flight
//     └───────────── renewing ◀────────────────────────┘
//
// A slot is *held* while its hold count is above zero, or while its memory is still mapped after
// the last holder has released it. Counting cannot see such a mapping. So if a slot was released
// with `may_be_mapped`, the ring calls its probe before it takes the slot. A slot that the probe
// finds mapped is probed again after 1, 2, 4, 8 ... 1024 further fills, because the kernel ends a
// mapping a moment late at times. Each fill probes at most one of these slots; Recheck() probes
// them all.
//
// A slot is *in flight* when pages of it may be in pipes or sockets, which refer to the pages
// themselves: there is no way to find out whether the bytes have arrived. Such a slot is *renewed*
// before it is filled: its file gets new pages, and the pipes and sockets keep the old ones. That
// takes milliseconds, so the ring only says when (OnRenew). A slot without a name is renewed as
// soon as nobody holds it. A named slot is renewed when it would be recycled next, one slot ahead,
// so that a renewed slot is ready for the next frame. Meanwhile the ring takes the oldest slot that
// needs no renewal, except the newest frame. A slot whose renewal fails for now is put *aside*.
//
// Once there is a RingFile, readers hold frames by words in shared memory, without a call to the
// daemon (docs/ring.md). The ring publishes its state in that file, and reads the words before it
// takes a slot. The end of such a hold causes no wakeup: the next BeginFill() finds the slot free.
//
// Threads: every function may be called by any thread. One mutex guards everything; it is a leaf
// (the probe is called under it and must not call back). The other hooks are called without it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "fusefs/base/mutex.h"
#include "fusefs/base/policy.h"
#include "fusefs/ring/frame_info.h"
#include "fusefs/ring/ring_file.h"

namespace grabfs {

// What became of each sequence number:
// captured = delivered + recycled + dropped + failed + present.
struct RingCounters {
  uint64_t captured = 0;   // frames the device produced
  uint64_t delivered = 0;  // have lost their names, after somebody had opened them
  uint64_t recycled = 0;   // have lost their names, never opened
  uint64_t dropped = 0;    // lost because no buffer was free
  uint64_t failed = 0;     // lost by a failed transfer
  uint64_t present = 0;    // still have their names

  RingCounters& operator+=(const RingCounters& other);
  friend bool operator==(const RingCounters&, const RingCounters&) = default;
};

struct RingOccupancy {
  uint32_t count = 0;
  uint32_t free = 0;  // empty and not held
  uint32_t filling = 0;
  uint32_t ready = 0;     // with a complete frame
  uint32_t held = 0;      // by an opener, a lock or a mapping; with or without a frame
  uint32_t renewing = 0;  // empty, getting new pages
  uint32_t aside = 0;     // empty; its renewal has failed and will be tried again

  friend bool operator==(const RingOccupancy&, const RingOccupancy&) = default;
};

class Ring {
 public:
  // Slots that lossless readers must leave to capture.
  static constexpr uint32_t kLeftToCapture = 2;

  // Does anybody still have the memory of this slot open or mapped? Called with the mutex held;
  // must not call back.
  using Probe = std::function<bool(uint32_t slot)>;
  // A slot can be filled, after BeginFill() had returned nullopt.
  using OnAvailable = std::function<void()>;
  // Asks another thread to renew this slot, and then to call Renewed() or PutAside().
  using OnRenew = std::function<void(uint32_t slot)>;

  struct Options {
    uint32_t slots = 0;
    Policy policy = Policy::kKeepNewest;
    Probe probe = nullptr;
    OnAvailable on_available = nullptr;
    OnRenew on_renew = nullptr;  // null: no slot is ever in flight
  };
  struct Fill {
    uint32_t slot;
    std::optional<uint64_t> evicted;  // the frame that lost its name for this
    bool undecided = false;           // call Confirm() before it is filled
  };
  struct Frame {
    uint32_t slot;
    FrameInfo info;
  };

  explicit Ring(Options options);

  // --- Filling: for the capture thread only.

  // Returns a slot to fill: a free one, else by policy the oldest frame that nobody holds, else
  // nullopt. kAhead: the next frame has a buffer already. Then the newest frame is not recycled,
  // and OnAvailable is not called after a refusal: the caller asks again after each frame.
  enum class Need { kNow, kAhead };
  std::optional<Fill> BeginFill(Need need = Need::kNow);
  // For an undecided slot: its frame was held, so pages of it may be in flight that were not
  // reported when the hold ended. The caller has marked in the ring what was read until now. True:
  // the slot is not in flight; fill it. False: it is, so it is not the caller's any more and will
  // be renewed.
  bool Confirm(uint32_t slot);
  // True if BeginFill() has passed over a slot since the last call, because the probe says that it
  // is mapped though nobody holds it. The caller may find out more from /proc (Recheck(),
  // MarkUnmapped()).
  bool TakeRecheckNeeded();
  // The frames that lost their names for a renewal since the last call.
  std::vector<Frame> TakeEvicted();
  // The last BeginFill() refused, and a slot that is being renewed will be free soon.
  [[nodiscard]] bool WaitsForRenewal() const;
  // The last BeginFill() refused, and a slot that readers of the ring file hold would do. They let
  // go without a wakeup: the caller has to try again.
  [[nodiscard]] bool WaitsForReaders() const;
  // The frame is complete and gets its name. Returns `info` with `dropped` set. Sequence numbers
  // must rise.
  FrameInfo Complete(uint32_t slot, FrameInfo info);
  // The transfer failed; the sequence number is lost.
  void Fail(uint32_t slot);
  // Nothing was captured into the slot; no sequence number is used up.
  void Cancel(uint32_t slot);
  // A frame was captured into memory that is no slot: counts as delivered, or as failed.
  FrameInfo CompleteElsewhere(FrameInfo info);
  void FailElsewhere();
  // The device lost `count` frames because no buffer was free.
  void Drop(uint64_t count);

  // --- Holding: any thread.

  // Holds the frame of this sequence number; nullopt when there is none. A frame that lost its name
  // can be held again while somebody holds it, as an unlinked file can be reopened through
  // /proc/PID/fd. kKept: for a reader who may never look at it, so it does not count as delivered.
  enum class Purpose { kOpened, kKept };
  std::optional<Frame> Hold(uint64_t sequence, Purpose purpose = Purpose::kOpened);
  // Holds a slot with or without a frame; false while it is being filled or renewed.
  bool HoldSlot(uint32_t slot);
  // Ends one hold. `may_be_mapped`: a mapping made during it may still exist.
  void Release(uint32_t slot, bool may_be_mapped);
  // Probes the slots that nobody holds but that may be mapped; returns those that still are.
  struct Mapped {
    uint32_t slot;
    uint64_t sequence;     // of the frame in it
    uint64_t hold_serial;  // changes with every hold
  };
  std::vector<Mapped> Recheck();
  // Does anybody hold this frame, or have it mapped? Probes its slot if necessary.
  bool InUse(uint64_t sequence);
  // The caller found out by other means that nobody has this slot, returned by Recheck(), mapped.
  // No effect when somebody has held it since.
  void MarkUnmapped(const Mapped& mapped);

  // --- In flight: any thread. No effect on a frame that has gone meanwhile.

  // Pages of this frame may be in flight.
  void InFlight(uint64_t sequence);
  // Pages of this slot may be in flight, read through its buffer file. No effect unless somebody
  // held the slot or its frame: a follower who holds nothing expects that it is overwritten.
  void SlotInFlight(uint32_t slot);
  // Pages of any slot that was held may be in flight.
  void AllInFlight();
  // The answer to OnRenew: the slot has new pages, or cannot get any now.
  void Renewed(uint32_t slot);
  void PutAside(uint32_t slot);
  [[nodiscard]] std::vector<uint32_t> Aside() const;
  // Has OnRenew called once more for a slot that was put aside.
  void RenewAgain(uint32_t slot);

  // --- The ring file: any thread.

  // Publishes the ring in `file` from now on, unless it has a file already. Returns the file in
  // use.
  std::shared_ptr<RingFile> Share(std::shared_ptr<RingFile> file);
  // nullptr: no reader has opened `ring` yet.
  [[nodiscard]] std::shared_ptr<RingFile> file() const;
  // Publishes the state of the device there: GRABFS_STATE_*.
  void ShowState(uint64_t state);
  // Wakes the readers that wait on the file. Call it after a frame, and after any other change that
  // they wait for.
  void WakeReaders() const;

  // --- Reading the state: any thread.

  // A frame that has its name, or that lost it but is still held.
  [[nodiscard]] std::optional<Frame> Find(uint64_t sequence) const;
  [[nodiscard]] bool Named(uint64_t sequence) const;
  [[nodiscard]] std::optional<Frame> Newest() const;
  [[nodiscard]] std::optional<Frame> Oldest() const;
  // The first frame whose sequence number is at least `sequence`.
  [[nodiscard]] std::optional<Frame> NextFrom(uint64_t sequence) const;
  // The frame in a slot; nullopt when it is free or being filled.
  [[nodiscard]] std::optional<FrameInfo> At(uint32_t slot) const;
  [[nodiscard]] bool Filling(uint32_t slot) const;
  // It has been renewed, and nothing was captured into it since: it will be filled next.
  [[nodiscard]] bool AwaitsFrame(uint32_t slot) const;
  [[nodiscard]] uint32_t slots() const { return static_cast<uint32_t>(slots_.size()); }
  [[nodiscard]] RingCounters Counters() const;
  [[nodiscard]] RingOccupancy Occupancy() const;
  // A letter for each slot: 'e' empty, 'f' being filled, 'r' ready with a frame; 'E' and 'R': the
  // same, held; 'n' empty, getting new pages; 'a' put aside.
  [[nodiscard]] std::string States() const;

  // --- Changing the state: any thread.

  // Removes a frame's name; its slot is free as soon as nobody holds it. False: no such name.
  bool Unlink(uint64_t sequence);
  // Removes all names, for good, because nothing will be captured into this ring any more. Returns
  // the sequence numbers. Does not call OnAvailable.
  std::vector<uint64_t> Retire();
  void SetPolicy(Policy policy);

 private:
  enum class State : uint32_t { kFree, kFilling, kReady, kRenewing };
  // Plain data, so that the table can one day live in a page shared with readers.
  struct Slot {
    State state = State::kFree;
    uint32_t holds = 0;
    bool named = false;          // state is kReady and the frame can be found by its number
    bool opened = false;         // somebody held this frame by its number
    bool used = false;           // there was a frame in it since it was renewed
    bool was_held = false;       // somebody held the slot, or its frame, since it was filled
    bool undecided = false;      // kFilling, but must not be filled before Confirm()
    bool in_flight = false;      // to be renewed before it is filled
    bool aside = false;          // kRenewing, and that cannot be done now
    bool renewed = false;        // since it was filled
    bool may_be_mapped = false;  // by a mapping that was made during a hold
    bool mapped = false;         // found so by the last probe
    uint64_t probe_due = 0;      // in fills, when mapped
    uint64_t probe_gap = 1;      // in fills
    uint64_t freed_at = 0;
    uint64_t hold_serial = 0;
    FrameInfo info;
  };
  // The order in which slots are taken: empty ones first, least recently used first; then the
  // oldest frame.
  using Place = std::tuple<int, uint64_t, uint32_t>;

  // Runs `change` with mutex_ held, and afterwards without it the hooks that are due.
  template <typename Change>
  void Do(Change&& change) {
    bool wake = false;
    std::vector<uint32_t> renew;
    {
      const std::lock_guard lock(mutex_);
      std::forward<Change>(change)();
      wake = TakeWakeup();
      renew.swap(to_renew_);
    }
    if (wake && on_available_) on_available_();
    for (const uint32_t slot : renew) on_renew_(slot);
  }

  // All below expect mutex_ to be held.
  void LookAtReaders() const;
  [[nodiscard]] bool HeldByReaders(uint32_t slot) const { return file_ && file_->Held(slot); }
  [[nodiscard]] bool TakeFromReaders(uint32_t slot) { return !file_ || file_->Claim(slot); }
  void ShowNewest();
  void AddHold(Slot& slot);
  [[nodiscard]] Place PlaceOf(uint32_t slot) const;
  [[nodiscard]] std::optional<uint32_t> SlotOf(uint64_t sequence) const;
  // Puts a slot that is neither held nor being filled into available_ or mapped_, or frees or
  // renews it.
  void AddAvailable(uint32_t slot);
  void RemoveAvailable(uint32_t slot);  // from both
  [[nodiscard]] bool StillUsed(uint32_t slot);
  void ForgetMapped(uint32_t slot);
  void RetryOneMapped();
  std::optional<Fill> TakeOne(Need need);
  void RenewAhead(bool starving);
  [[nodiscard]] bool MayRecycle(const Slot& slot) const;
  [[nodiscard]] bool IsNewest(uint32_t slot) const;
  [[nodiscard]] bool HasBeenHeld(const Slot& slot) const;
  void MarkInFlight(uint32_t slot);
  void BeginRenewal(uint32_t slot);
  void Unname(uint32_t slot);
  void LoseName(uint32_t slot);  // the frame stays for those who hold it
  void BecomeFree(uint32_t slot);
  // Would BeginFill() find a slot? Without probing.
  [[nodiscard]] bool Fillable() const;
  // True when on_available is due.
  [[nodiscard]] bool TakeWakeup();
  [[nodiscard]] static char LetterOf(const Slot& slot, bool by_readers);
  [[nodiscard]] Frame FrameAt(uint32_t slot) const { return {slot, slots_[slot].info}; }

  const Probe probe_;
  const OnAvailable on_available_;
  const OnRenew on_renew_;

  mutable Mutex mutex_;  // guards all below; leaf
  Policy policy_;
  std::vector<Slot> slots_;
  std::map<uint64_t, uint32_t> named_;     // sequence -> slot
  std::map<uint64_t, uint32_t> nameless_;  // the same for frames that lost their names
  std::set<Place> available_;              // not held, not filling; some may be mapped
  // Not held, but found mapped by the last probe: when to probe again (in fills), and the slot.
  std::set<std::pair<uint64_t, uint32_t>> mapped_;
  RingCounters counters_;
  uint64_t dropped_before_next_ = 0;
  uint64_t free_clock_ = 0;
  uint64_t fills_ = 0;           // begun or refused
  bool recheck_needed_ = false;  // see TakeRecheckNeeded()
  bool starved_ = false;  // the last BeginFill() refused, and OnAvailable was not called since
  bool waits_for_renewal_ = false;  // see WaitsForRenewal()
  bool waits_for_readers_ = false;  // see WaitsForReaders()
  bool retired_ = false;
  uint32_t renewing_ = 0;           // slots; without those aside
  std::vector<uint32_t> to_renew_;  // hooks that are due
  std::vector<Frame> evicted_;      // see TakeEvicted()
  uint32_t held_slots_ = 0;         // by count
  std::shared_ptr<RingFile> file_;
  uint64_t shown_state_ = 0;
};

}  // namespace grabfs
