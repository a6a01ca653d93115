// SPDX-License-Identifier: Apache-2.0
//
// Makes a failing sequence short (delta debugging: leave out ever smaller parts as long as it still
// fails) and then simple (no forks, few actors, small numbers, few flags).
#pragma once

#include <functional>
#include <vector>

#include "tests/mount/differential/operation.h"

namespace grabfs::differential {

// Whether this sequence still fails; asked at most `tries` times.
using Fails = std::function<bool(const std::vector<Operation>&)>;

// `failing` must fail. What is returned does.
std::vector<Operation> Shrink(std::vector<Operation> failing, const Fails& fails, unsigned tries);

}  // namespace grabfs::differential
