// SPDX-License-Identifier: Apache-2.0
//
// In what a file of grabfs may differ from one on tmpfs: all of it, in one table.
// docs/differences.md gives the reason for each, under the same name.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "tests/mount/differential/operation.h"

namespace grabfs::differential {

// What is compared, and where.
struct Setting {
  uint64_t file_bytes = 0;
  bool passthrough = false;  // the files of grabfs are not in the page cache of FUSE
  bool direct = true;        // tmpfs knows O_DIRECT: since Linux 6.6
};

// Whether nothing can be said of an operation, so that neither side performs it.
bool Untried(const Operation& operation, const Setting& setting);
// The operation as tmpfs can perform it here.
Operation Adapted(Operation operation, const Setting& setting);

struct Difference {
  std::string_view name;
  // Whether it is at work here, given what the file of grabfs answered.
  bool (*concerns)(const Operation& operation, const Setting& setting, int64_t subject);
  // What tmpfs is asked instead, so that its file stays what it is, too.
  Operation (*instead)(Operation operation, const Setting& setting);
  // Whether this is the difference that is meant.
  bool (*agrees)(const Operation& operation, int64_t subject, int64_t oracle);
};

std::span<const Difference> Differences();
// nullptr when both sides must answer the same.
const Difference* FindDifference(const Operation& operation, const Setting& setting,
                                 int64_t subject);

}  // namespace grabfs::differential
