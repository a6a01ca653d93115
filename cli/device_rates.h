// SPDX-License-Identifier: Apache-2.0
//
// How fast the counters of a device grow.
#pragma once

#include "cli/status.h"

namespace grabfs::cli {

struct DeviceRates {
  double frames = 0;   // complete ones a second
  double dropped = 0;  // and failed
  double bytes = 0;    // of complete frames
};

// From one look at the same device to the next, `seconds` later.
DeviceRates Compare(const DeviceStatus& before, const DeviceStatus& after, double seconds);

}  // namespace grabfs::cli
