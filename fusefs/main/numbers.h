// SPDX-License-Identifier: Apache-2.0
//
// Numbers as users write them on the command line.
#pragma once

#include <cstdint>
#include <string>

namespace grabfs {

// Both throw Error(EINVAL) that begins with `what`.
uint32_t ParseUint(const std::string& what, const std::string& text, int base);
// "64M", "2G", "25%" of the machine's memory.
uint64_t ParseBytes(const std::string& what, const std::string& text);

}  // namespace grabfs
