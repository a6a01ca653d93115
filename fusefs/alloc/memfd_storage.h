// SPDX-License-Identifier: Apache-2.0
//
// Storage in a memfd, which grows and shrinks in place: for files that are bound to no device, or
// to a device whose frames the daemon writes itself.
#pragma once

#include <memory>
#include <string>

#include "fusefs/alloc/storage.h"

namespace grabfs::alloc {

// Empty at first. `name` shows in /proc. Throws Error.
std::unique_ptr<Storage> MakeMemfdStorage(const std::string& name);

}  // namespace grabfs::alloc
