// SPDX-License-Identifier: Apache-2.0
//
// The clock of all time stamps and schedules: CLOCK_MONOTONIC in nanoseconds, as V4L2 uses it.
#pragma once

#include <ctime>

#include <cstdint>

namespace grabfs {

inline constexpr uint64_t kNsPerSecond = 1'000'000'000;

// Never fails and, through the vDSO, makes no system call.
inline uint64_t MonotonicNs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * kNsPerSecond + static_cast<uint64_t>(now.tv_nsec);
}

// CLOCK_REALTIME in nanoseconds since the epoch: for file times only.
inline uint64_t RealtimeNs() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * kNsPerSecond + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace grabfs
