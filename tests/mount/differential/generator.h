// SPDX-License-Identifier: Apache-2.0
//
// Random scripts. The generator does not know what state the files are in: an operation on a place
// where nothing is open must fail in the same way on both sides, too.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/mount/differential/script.h"

namespace grabfs::differential {

Script Generate(uint64_t seed, uint64_t file_bytes, size_t operations);

}  // namespace grabfs::differential
