// SPDX-License-Identifier: Apache-2.0
//
// What other kinds need to know of the files of alloc/.
#pragma once

#include <cstdint>

#include "fusefs/alloc/store.h"
#include "fusefs/base/caller.h"

namespace grabfs {

uint64_t AllocFileInode(const alloc::File& file);
// Whether a listing shows the file to this caller: to its owner, to root, and to everybody if the
// mode has bits for group or others. The kernel checks permissions by the mode.
bool ShowsAllocFile(const alloc::File& file, const Caller& caller);

}  // namespace grabfs
