// SPDX-License-Identifier: Apache-2.0
//
// A point in time at which a wait ends, or none.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>

namespace grabfs::cli {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  static Deadline Never() { return Deadline(std::nullopt); }
  // `seconds` from now; more than a century is never.
  static Deadline After(double seconds) {
    if (seconds > 3e9) return Never();
    return Deadline(Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                       std::chrono::duration<double>(seconds)));
  }
  // After(*seconds), or never without a value.
  static Deadline After(std::optional<double> seconds) {
    return seconds ? After(*seconds) : Never();
  }

  [[nodiscard]] bool expired() const { return when_ && Clock::now() >= *when_; }

  // For poll(): milliseconds rounded up, so that it does not wake early; -1 for never.
  [[nodiscard]] int poll_timeout_ms() const {
    if (!when_) return -1;
    const std::chrono::duration<double, std::milli> left = *when_ - Clock::now();
    return static_cast<int>(std::clamp(std::ceil(left.count()), 0.0,
                                       static_cast<double>(std::numeric_limits<int>::max())));
  }

 private:
  explicit Deadline(std::optional<Clock::time_point> when) : when_(when) {}

  std::optional<Clock::time_point> when_;
};

}  // namespace grabfs::cli
