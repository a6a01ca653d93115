// SPDX-License-Identifier: Apache-2.0
#include "cli/watch/device_rates.h"

namespace grabfs::cli {

DeviceRates Compare(const DeviceStatus& before, const DeviceStatus& after, double seconds) {
  const auto lost = [](const DeviceStatus& d) { return d.counters.dropped + d.counters.failed; };
  const auto complete = [&](const DeviceStatus& d) { return d.counters.captured - lost(d); };
  // A device that was unplugged in between begins at 0 again.
  const auto growth = [&](uint64_t from, uint64_t to) {
    return to < from ? 0 : static_cast<double>(to - from) / seconds;
  };
  const double frames = growth(complete(before), complete(after));
  return {frames, growth(lost(before), lost(after)), frames * static_cast<double>(after.bytes)};
}

}  // namespace grabfs::cli
