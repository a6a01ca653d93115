// SPDX-License-Identifier: Apache-2.0
//
// The state machine of a device's buffers: which slot holds which frame, who holds a slot, which
// slot is filled next, and what became of every sequence number. It knows neither memory nor
// devices nor FUSE, and has no thread and no clock: it is tested alone.
//
//                 BeginFill            Complete
//     free ───────────────▶ filling ───────────────▶ ready ──┐ Hold / Release
//       ▲ ▲                    │                      │  ▲   │ (held: never filled)
//       │ └──── Fail, Cancel ──┘                      │  └───┘
//       └──────────── BeginFill (recycles), Unlink, Retire
//
// A slot is *held* while its hold count is above zero, or while its memory is still mapped after
// the last holder has gone. The latter cannot be seen by counting, so a slot released with
// `may_be_mapped` is *suspect*: the ring asks its probe before it takes such a slot. A slot found
// mapped is asked for again after 1, 2, 4, 8... further fills (the kernel may be a moment late to
// see the end of a use), one slot at each fill, and by Recheck().
//
// Threads: every function may be called by any thread. One mutex guards everything; it is a leaf
// (the probe is called under it and must not call back). `on_available` is called without it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "fusefs/base/frame_origin.h"

namespace grabfs {

enum class Policy {
  kKeepNewest,  // recycle the oldest frame that nobody holds
  kKeepOldest,  // recycle nothing: take no frame until one is unlinked
};

std::string_view PolicyName(Policy policy);
std::optional<Policy> ParsePolicy(std::string_view name);

// A complete frame, as it was captured.
struct FrameInfo {
  uint64_t sequence = 0;
  uint64_t timestamp_ns = 0;  // CLOCK_MONOTONIC
  uint64_t realtime_ns = 0;   // the same instant on CLOCK_REALTIME
  uint64_t bytes_used = 0;
  uint64_t dropped = 0;  // frames lost directly before this one
  uint32_t flags = 0;    // V4L2_BUF_FLAG_*
  FrameOrigin origin = {};
};

// What became of every sequence number:
// captured = delivered + recycled + dropped + failed + present.
struct RingCounters {
  uint64_t captured = 0;   // frames the device produced
  uint64_t delivered = 0;  // gone, opened by somebody before
  uint64_t recycled = 0;   // gone, never opened
  uint64_t dropped = 0;    // lost for want of a buffer
  uint64_t failed = 0;     // lost by a failed transfer
  uint64_t present = 0;    // still there under their names

  RingCounters& operator+=(const RingCounters& other);
};

struct RingOccupancy {
  uint32_t count = 0;
  uint32_t free = 0;  // empty and not held
  uint32_t filling = 0;
  uint32_t ready = 0;  // with a complete frame
  uint32_t held = 0;   // by an opener, a lock or a mapping; with or without a frame
};

class Ring {
 public:
  // Is the memory of this slot still in use by somebody who once held it?
  using Probe = std::function<bool(uint32_t slot)>;
  // A slot can be filled again after BeginFill() had to refuse.
  using OnAvailable = std::function<void()>;

  struct Options {
    uint32_t slots = 0;
    Policy policy = Policy::kKeepNewest;
    Probe probe;
    OnAvailable on_available;
  };
  struct Fill {
    uint32_t slot;
    std::optional<uint64_t> evicted;  // the frame whose name went away for it
  };
  struct Frame {
    uint32_t slot;
    FrameInfo info;
  };

  explicit Ring(Options options);

  // --- Filling: for the one thread that captures.

  // A slot to fill: a free one, else by policy the oldest that nobody holds; else nullopt.
  std::optional<Fill> BeginFill();
  // Since the last call BeginFill() went round a slot that nobody holds, because the probe says
  // that it is mapped. Who can tell better may want to (Recheck(), Settle()).
  bool TakeDoubt();
  // The frame is complete and appears. Sets info.dropped. Sequences must rise.
  FrameInfo Complete(uint32_t slot, FrameInfo info);
  // The transfer failed; the sequence number is lost.
  void Fail(uint32_t slot);
  // Nothing was captured into the slot; no sequence number is used up.
  void Cancel(uint32_t slot);
  // A frame was captured into memory that is no slot: delivered at once, or failed.
  FrameInfo CompleteElsewhere(FrameInfo info);
  void FailElsewhere();
  // `count` frames of the device found no buffer.
  void Drop(uint64_t count);

  // --- Holding: for anybody.

  // Holds the frame of this sequence number; nullopt when there is none of that name. A frame that
  // lost its name can be held again while somebody holds it, as an unlinked file can be reopened
  // through /proc/PID/fd.
  std::optional<Frame> Hold(uint64_t sequence);
  // Holds a slot with whatever is in it; false while it is being filled.
  bool HoldSlot(uint32_t slot);
  // Ends one hold. `may_be_mapped`: a mapping made through it may live on unseen.
  void Release(uint32_t slot, bool may_be_mapped);
  // Probes the slots that were closed but may be mapped; returns those that still are.
  struct Mapped {
    uint32_t slot;
    uint64_t sequence;     // of the frame in it
    uint64_t hold_serial;  // changes with every hold
  };
  std::vector<Mapped> Recheck();
  // Does anybody hold this frame, or have it mapped? Probes its slot, if need be.
  bool InUse(uint64_t sequence);
  // The caller found out by other means that nothing uses a slot that Recheck() returned. Ignored
  // when somebody has held it since.
  void Settle(const Mapped& mapped);

  // --- Looking.

  // A frame under its name, or one that lost its name but is still held.
  [[nodiscard]] std::optional<Frame> Find(uint64_t sequence) const;
  [[nodiscard]] bool Named(uint64_t sequence) const;
  [[nodiscard]] std::optional<Frame> Newest() const;
  [[nodiscard]] std::optional<Frame> Oldest() const;
  // The first frame whose sequence number is at least `sequence`.
  [[nodiscard]] std::optional<Frame> NextFrom(uint64_t sequence) const;
  // The frame in a slot; nullopt when it is free or being filled.
  [[nodiscard]] std::optional<FrameInfo> At(uint32_t slot) const;
  [[nodiscard]] bool Filling(uint32_t slot) const;
  [[nodiscard]] uint32_t slots() const { return static_cast<uint32_t>(slots_.size()); }
  [[nodiscard]] RingCounters Counters() const;
  [[nodiscard]] RingOccupancy Occupancy() const;
  // A letter for each slot: 'e' empty, 'f' being filled, 'r' ready with a frame; 'E' and 'R': held.
  [[nodiscard]] std::string States() const;

  // --- Changing.

  // Takes a frame's name away; its slot is free as soon as nobody holds it. False: no such name.
  bool Unlink(uint64_t sequence);
  // Takes all names away, for good. Returns the sequence numbers. Wakes nobody: a ring is retired
  // when no more is to be captured into it.
  std::vector<uint64_t> Retire();
  void SetPolicy(Policy policy);

 private:
  enum class State : uint32_t { kFree, kFilling, kReady };
  // Plain data, so that the table can one day live in a page shared with readers.
  struct Slot {
    State state = State::kFree;
    uint32_t holds = 0;
    bool named = false;      // state is kReady and the frame can be found by its number
    bool opened = false;     // somebody held this frame by its number
    bool suspect = false;    // released, perhaps still mapped
    bool mapped = false;     // the last probe said so
    uint64_t probe_due = 0;  // in fills, when mapped
    uint64_t probe_gap = 1;  // in fills
    uint64_t freed_at = 0;
    uint64_t hold_serial = 0;
    FrameInfo info;
  };
  // Order in which slots are taken: empty ones first, least recently used first; then by age.
  using Place = std::tuple<int, uint64_t, uint32_t>;

  // All private functions expect mutex_ to be held.
  [[nodiscard]] Place PlaceOf(uint32_t slot) const;
  [[nodiscard]] std::optional<uint32_t> SlotOf(uint64_t sequence) const;
  void Shelve(uint32_t slot);    // into available_ or mapped_, if it belongs there
  void Unshelve(uint32_t slot);  // out of both
  [[nodiscard]] bool StillUsed(uint32_t slot);
  void ForgetMapped(uint32_t slot);
  void OfferOneMapped();
  void Unname(uint32_t slot);
  void LoseName(uint32_t slot);  // the frame stays, for those who have it
  void BecomeFree(uint32_t slot);
  // Would BeginFill() find a slot, as far as can be told without probing?
  [[nodiscard]] bool Fillable() const;
  // True when on_available is due; call it after unlocking.
  [[nodiscard]] bool TakeWakeup();
  [[nodiscard]] Frame FrameAt(uint32_t slot) const { return {slot, slots_[slot].info}; }

  const Probe probe_;
  const OnAvailable on_available_;

  mutable std::mutex mutex_;  // guards all below; leaf
  Policy policy_;
  std::vector<Slot> slots_;
  std::map<uint64_t, uint32_t> named_;     // sequence -> slot
  std::map<uint64_t, uint32_t> nameless_;  // the same for frames that lost their names
  std::set<Place> available_;              // not held, not filling; suspects included
  // Not held by count, but mapped when last probed: when to probe again, and the slot.
  std::set<std::pair<uint64_t, uint32_t>> mapped_;
  RingCounters counters_;
  uint64_t dropped_before_next_ = 0;
  uint64_t free_clock_ = 0;
  uint64_t fills_ = 0;    // begun or refused
  bool doubt_ = false;    // see TakeDoubt()
  bool starved_ = false;  // the last BeginFill() refused, and nobody has been woken since
};

}  // namespace grabfs
