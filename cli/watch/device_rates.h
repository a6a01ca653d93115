// SPDX-License-Identifier: Apache-2.0
//
// How fast the counters of a device grow.
#pragma once

#include "cli/mount/status.h"

namespace grabfs::cli {

struct DeviceRates {
  double frames = 0;   // complete frames a second
  double dropped = 0;  // dropped or failed frames a second
  double bytes = 0;    // bytes of complete frames a second
};

// From two statuses of the same device; `after` was read `seconds` later.
DeviceRates Compare(const DeviceStatus& before, const DeviceStatus& after, double seconds);

}  // namespace grabfs::cli
