// SPDX-License-Identifier: Apache-2.0
//
// How much memory the daemon may still allocate, and an error for what would not fit. Page cache
// beyond the limit does not fail with ENOMEM: the OOM killer ends a process. So this is checked
// before anything is allocated. It is a snapshot, not a reservation.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace grabfs {

// Bytes that can be allocated without swapping: MemAvailable of the machine, or less where a memory
// cgroup (v1 or v2) of the process or one above it limits it. `process`: a pid, or "self".
// `root` replaces "/" in tests. Throws Error when /proc cannot be read.
uint64_t AvailableMemory(const std::string& process = "self", const std::string& root = "");

// The directory of the cgroup that is charged for the process's memory; nullopt: there is none.
std::optional<std::filesystem::path> MemoryCgroup(const std::string& process,
                                                  const std::string& root = "");

// All memory of the machine; 0 when /proc/meminfo cannot be read.
uint64_t MachineMemory(const std::string& root = "");

// Throws Error(ENOMEM) with the arithmetic when `count` buffers of `bytes` do not fit.
void CheckMemoryAvailable(uint32_t count, uint64_t bytes);
// The same for a sum of `total` bytes, which `what` names in the message.
void CheckMemoryAvailable(const std::string& what, uint64_t total);

}  // namespace grabfs
