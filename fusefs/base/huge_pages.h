// SPDX-License-Identifier: Apache-2.0
//
// How much of the daemon's frame memory the kernel maps by 2 MiB page table entries. Used for
// reports only. Costs microseconds for each mapping, or one read of /proc/self/smaps before
// Linux 6.7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace grabfs {

// The sum over `mappings`, each of which begins where an mmap() began. 0 when /proc cannot be read.
uint64_t HugePageBytes(const std::vector<std::span<const std::byte>>& mappings);

}  // namespace grabfs
