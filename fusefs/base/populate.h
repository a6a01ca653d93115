// SPDX-License-Identifier: Apache-2.0
//
// Allocates the pages of a memfd before anybody accesses them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace grabfs {

// Allocates the pages of `fd` from byte `from` to the end of `mapping`, which maps the file from
// its first byte; as 2 MiB pages as far as the kernel has them (MADV_COLLAPSE, Linux 6.1). The
// kernel charges the calling process. Returns 0 or the errno value. Makes system calls only, so it
// may run between fork() and exec().
int PopulateFile(int fd, std::span<std::byte> mapping, uint64_t from) noexcept;

// The same from byte `from` to byte `to`, also beyond the end of the file, which keeps its size. In
// small pages: the kernel makes huge pages only of what lies before the end.
int ReserveFile(int fd, uint64_t from, uint64_t to) noexcept;

}  // namespace grabfs
