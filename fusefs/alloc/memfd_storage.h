// SPDX-License-Identifier: Apache-2.0
//
// Anonymous page-cache memory that grows and shrinks in place: for every device that is filled by a
// processor, and for memory that no device is bound to.
#pragma once

#include <memory>
#include <string>

#include "fusefs/alloc/storage.h"

namespace grabfs::alloc {

// Empty at first. `name` shows in /proc. Throws Error.
std::unique_ptr<Storage> MakeMemfdStorage(const std::string& name);

}  // namespace grabfs::alloc
