// SPDX-License-Identifier: Apache-2.0
//
// Memory for every page of a memfd, before anybody needs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace grabfs {

// Allocates the pages of `fd` from byte `from` to the end of `mapping`, which shows the file from
// its beginning; in pieces of 2 MiB as far as the kernel gives them (MADV_COLLAPSE, Linux 6.1).
// Whoever calls it is charged. Returns 0 or the errno value. Makes system calls only, so that it
// may be called between fork() and exec().
int PopulateFile(int fd, std::span<std::byte> mapping, uint64_t from) noexcept;

}  // namespace grabfs
