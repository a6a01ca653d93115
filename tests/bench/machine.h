// SPDX-License-Identifier: Apache-2.0
//
// Finding out on what the benchmarks run.
#pragma once

#include "tests/bench/report.h"

namespace grabfs::bench {

// Mounts grabfs once to ask which data path it takes here. Throws when it does not mount.
Machine DescribeMachine(const Context& context);

}  // namespace grabfs::bench
