// SPDX-License-Identifier: Apache-2.0
//
// Storage that a device allocates, so that it can reach it by DMA. Such memory has a fixed size, so
// each change of size allocates new memory and copies the contents.
#pragma once

#include <memory>
#include <string>

#include "fusefs/alloc/storage.h"

namespace grabfs::alloc {

// Empty at first. `name` is for messages.
std::unique_ptr<Storage> MakeDeviceStorage(std::shared_ptr<MemoryAllocator> allocator,
                                           const std::string& name);

}  // namespace grabfs::alloc
