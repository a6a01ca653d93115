// SPDX-License-Identifier: Apache-2.0
//
// Turns a camera's frame ids into numbers that only rise, so that a gap of ids is a gap of numbers.
// GigE Vision 1 has ids of 16 bits that skip 0, later cameras of 64; most begin anew with each
// stream.
#pragma once

#include <cstdint>
#include <optional>

namespace grabfs {

class AravisNumbers {
 public:
  // `narrow`: ids may have 16 bits (GigE Vision).
  explicit AravisNumbers(bool narrow) : narrow_(narrow) {}

  // A stream begins: its first frame gets the next number, whatever its id is.
  void Begin() { last_.reset(); }

  // The number of the next frame; the numbers that it skips were lost. nullopt: the frame's id did
  // not come. `lost_elsewhere`: frames before it that were lost without having had an id.
  uint64_t Next(std::optional<uint64_t> id, uint64_t lost_elsewhere = 0) {
    uint64_t step = 1;
    if (id && last_) step = Step(*last_, *id);
    if (id == uint64_t{0}) zero_is_used_ = true;
    if (id) {
      last_ = id;
    } else if (last_) {
      ++*last_;
    }
    next_ += step + lost_elsewhere;
    return next_ - 1;
  }

 private:
  static constexpr uint64_t kNarrow = 0xffff;

  [[nodiscard]] uint64_t Step(uint64_t last, uint64_t id) const {
    if (id > last) return id - last;
    // The same or a smaller one: of 16 bits it has wrapped around, of more it was set back.
    if (!narrow_ || last > kNarrow || id == last) return 1;
    const bool zero = zero_is_used_ || id == 0;
    return id + kNarrow + (zero ? 1 : 0) - last;
  }

  const bool narrow_;
  std::optional<uint64_t> last_;  // id
  bool zero_is_used_ = false;
  uint64_t next_ = 0;  // the last returned number plus 1
};

}  // namespace grabfs
