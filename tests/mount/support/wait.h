// SPDX-License-Identifier: Apache-2.0
//
// Waiting for what must come true, with a deadline that only a broken program meets. Tests never
// assert how long something took: a loaded machine would fail them without a reason.
#pragma once

#include <chrono>
#include <thread>

namespace grabfs::mount_test {

inline constexpr std::chrono::seconds kPatience{30};

// True as soon as `condition()` is; false when it still is not after kPatience.
template <typename Condition>
[[nodiscard]] bool WaitUntil(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace grabfs::mount_test
