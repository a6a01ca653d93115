// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace grabfs {

// Throws Error(EINVAL): a device name is a file name of letters, digits, '.', '_' and '-' that does
// not start with '.', at most 64 bytes, and not a name that the root of the mount uses.
void ValidateDeviceName(const std::string& name);

}  // namespace grabfs
