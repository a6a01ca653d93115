// SPDX-License-Identifier: Apache-2.0
//
// What `monitor` shows: one look at a mount, and its text. Pure functions.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/device_rates.h"
#include "cli/mount_users.h"
#include "cli/status.h"

namespace grabfs::cli {

struct MonitoredDevice {
  DeviceStatus status;
  DeviceRates rates;
  std::vector<FileUser> users;  // of its files, which are named relative to its directory
};

struct MonitoredMount {
  std::string mountpoint;
  std::vector<MonitoredDevice> devices;
};

// The buffers as cells: '#' with a frame, 'H' held, '>' being filled, '.' empty; several to a cell
// when there are more of them than `width` (the one that says most).
std::string BufferStrip(const std::string& states, size_t width);

// Lines of at most `width` columns.
std::vector<std::string> RenderMonitor(const MonitoredMount& mount, size_t width);

nlohmann::ordered_json ToJson(const MonitoredDevice& device);

}  // namespace grabfs::cli
