// SPDX-License-Identifier: Apache-2.0
//
// How much of this process's memory is mapped by 2 MiB page table entries: what the kernel made of
// the request for huge pages. For reports; it costs microseconds for each mapping, or one reading
// of /proc/self/smaps on kernels before 6.7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace grabfs {

// The sum over `mappings`, each of which begins where an mmap() began. 0 when /proc does not tell.
uint64_t HugePageBytes(const std::vector<std::span<const std::byte>>& mappings);

}  // namespace grabfs
