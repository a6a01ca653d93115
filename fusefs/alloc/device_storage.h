// SPDX-License-Identifier: Apache-2.0
//
// Memory of a device's own making, which it can reach by DMA. Its size is fixed, so every change of
// size is other memory with a copy of the contents.
#pragma once

#include <memory>
#include <string>

#include "fusefs/alloc/storage.h"

namespace grabfs::alloc {

// Empty at first. `name` is for messages.
std::unique_ptr<Storage> MakeDeviceStorage(std::shared_ptr<MemoryAllocator> allocator,
                                           const std::string& name);

}  // namespace grabfs::alloc
