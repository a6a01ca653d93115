// SPDX-License-Identifier: Apache-2.0
//
// Waits for a condition, with a deadline that only a broken program reaches. Tests never assert how
// long something took, because that would fail on a loaded machine.
#pragma once

#include <chrono>
#include <cstdlib>
#include <thread>

namespace grabfs::mount_test {

// The environment variable VM_PATIENCE multiplies it: for virtual machines, debug kernels and
// sanitizers.
inline const std::chrono::seconds kPatience = [] {
  const char* const factor = std::getenv("VM_PATIENCE");
  return std::chrono::seconds(30) * (factor == nullptr ? 1 : std::atoi(factor));
}();

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
