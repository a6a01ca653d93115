// SPDX-License-Identifier: Apache-2.0
//
// Exports the daemon's memory as a dma-buf that drivers can import: /dev/udmabuf.
#pragma once

#include <cstdint>

#include "fusefs/base/unique_fd.h"

namespace grabfs {

// A dma-buf of the part of a sealed memfd from `offset` on. Both must be multiples of a page, and
// the memfd must have small pages: Linux 6.12 shows drivers only the first 4 KiB of a huge page.
// Throws Error.
UniqueFd MakeUdmabuf(int memfd, uint64_t offset, uint64_t bytes);

}  // namespace grabfs
