// SPDX-License-Identifier: Apache-2.0
//
// A frame rate as an exact fraction, with its text form: "0" (as fast as possible), "30", "29.97",
// "30000/1001". What a rate prints, it accepts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace grabfs {

struct Rate {
  uint32_t numerator = 0;    // frames
  uint32_t denominator = 1;  // seconds

  static constexpr uint32_t kMax = 10000;  // frames per second

  // Throws Error(EINVAL): not a number, negative, above kMax, zero denominator.
  static Rate Parse(std::string_view text);
  [[nodiscard]] std::string ToString() const;
  // No pacing: the next frame is due when the last one is done.
  [[nodiscard]] bool unlimited() const { return numerator == 0; }
  // When frame n after the start is due, in ns after the start; exact, does not drift. Not for
  // unlimited rates.
  [[nodiscard]] uint64_t DueNs(uint64_t n) const;
  // How many frames are due before `ns` after the start: the inverse of DueNs().
  [[nodiscard]] uint64_t DueBefore(uint64_t ns) const;

  friend bool operator==(const Rate&, const Rate&) = default;
};

}  // namespace grabfs
