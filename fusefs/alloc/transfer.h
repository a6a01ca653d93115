// SPDX-License-Identifier: Apache-2.0
//
// pread() and pwrite(), repeated until all bytes are transferred.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace grabfs::alloc {

// Bytes read: fewer at the end of the file. Throws Error.
size_t ReadAt(int fd, uint64_t offset, std::span<std::byte> data);
// Writes all of `data`. Throws Error.
void WriteAt(int fd, uint64_t offset, std::span<const std::byte> data);

}  // namespace grabfs::alloc
