// SPDX-License-Identifier: Apache-2.0
//
// Whose turn it is, in memory that processes share: a script's places are taken one after the
// other, each by the actor that it names. A futex for each actor, so that nobody else wakes.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "tests/mount/differential/operation.h"

namespace grabfs::differential {

class Turns {
 public:
  explicit Turns(size_t count) : count_(count) {}

  // The first place is this actor's.
  void Begin(unsigned actor) { Ring(actor); }
  // Blocks until it is the actor's turn; nullopt at the end.
  std::optional<size_t> Await(unsigned actor);
  // The next place is this actor's. After the last one, all are at the end.
  void Pass(unsigned actor);
  // Ends it here, for everybody.
  void Stop();
  // The place that is being taken, or at which it ended.
  [[nodiscard]] size_t now() const { return now_; }

 private:
  void Ring(unsigned actor);
  void RingAll();

  const size_t count_;
  std::atomic<size_t> now_ = 0;
  std::atomic<bool> stopped_ = false;
  std::array<std::atomic<uint32_t>, kActors> bells_{};
};

}  // namespace grabfs::differential
