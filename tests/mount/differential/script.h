// SPDX-License-Identifier: Apache-2.0
//
// A sequence of operations and what they start from, as text that can be read, edited and played
// again:
//
//     # comment
//     size 12220                                   of every file, in bytes
//     fill 7                                       seed of the noise that the files start with
//     0 open fd=1 file=0 flags=O_RDWR|O_DIRECT     actor 0 performs open
//     2 fork pread fd=0 length=100 offset=4095     actor 2 forks, and its child performs pread
//
// Arguments that are left out are 0.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/mount/differential/operation.h"

namespace grabfs::differential {

struct Script {
  uint64_t file_bytes = 0;
  uint64_t fill_seed = 0;
  std::vector<Operation> operations;

  bool operator==(const Script&) const = default;
};

std::string Print(const Operation& operation);
std::string Print(const Script& script);
// Throws std::invalid_argument, with the number of the line.
Script ParseScript(std::string_view text);

}  // namespace grabfs::differential
