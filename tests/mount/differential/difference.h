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
  unsigned kernel = 0;  // 6012 is Linux 6.12
};

unsigned RunningKernel();

struct Difference {
  std::string_view name;
  // Whether it is at work here, given what the file of grabfs answered.
  bool (*concerns)(const Operation& operation, const Setting& setting, int64_t subject);
  // What tmpfs is asked instead, so that its file stays what it is, too.
  Operation (*instead)(Operation operation, const Setting& setting);
  // Whether this is the difference that is meant.
  bool (*agrees)(int64_t subject, int64_t oracle);
};

std::span<const Difference> Differences();
// nullptr when both sides must answer the same.
const Difference* FindDifference(const Operation& operation, const Setting& setting,
                                 int64_t subject);

}  // namespace grabfs::differential
