// SPDX-License-Identifier: Apache-2.0
//
// How much memory this process may still take, and the refusal of what would not fit. Page-cache
// memory beyond the limit does not fail politely: the OOM killer ends somebody. So the sum is done
// before anything is allocated. It is a snapshot, not a reservation.
#pragma once

#include <cstdint>
#include <string>

namespace grabfs {

// Bytes that can be had without swapping: MemAvailable of the machine, or less where a memory
// cgroup (v1 or v2) of this process or one above it leaves less. `root` replaces "/" in tests.
// Throws Error when /proc cannot be read.
uint64_t AvailableMemory(const std::string& root = "");

// Throws Error(ENOMEM) with the arithmetic when `count` buffers of `bytes` do not fit.
void CheckMemoryAvailable(uint32_t count, uint64_t bytes);
// The same for a sum of `total` bytes, which `what` names in the message.
void CheckMemoryAvailable(const std::string& what, uint64_t total);

}  // namespace grabfs
