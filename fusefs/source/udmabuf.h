// SPDX-License-Identifier: Apache-2.0
//
// Our memory as a DMA buffer that other drivers can be given: /dev/udmabuf.
#pragma once

#include <cstdint>

#include "fusefs/base/unique_fd.h"

namespace grabfs {

// The part of a sealed memfd from `offset` on as a DMA buffer. It must consist of whole pages, and
// of small ones: Linux 6.12 shows drivers only the first page of a large one. Throws Error.
UniqueFd MakeUdmabuf(int memfd, uint64_t offset, uint64_t bytes);

}  // namespace grabfs
