// SPDX-License-Identifier: Apache-2.0
//
// What `monitor` shows: the state of a mount at one time, and its text. Pure functions.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/mount/mount_users.h"
#include "cli/mount/status.h"
#include "cli/watch/device_rates.h"

namespace grabfs::cli {

struct MonitoredDevice {
  DeviceStatus status;
  DeviceRates rates;
  std::vector<FileUser> users;  // of its files; names are relative to its directory
};

struct MonitoredMount {
  std::string mountpoint;
  std::vector<MonitoredDevice> devices;
};

// One character for each buffer: '#' with a frame, 'H' held, '>' being filled, '.' empty, '~'
// getting new pages,
// '!' put aside. If there are more buffers than `width`, several share a character, which shows the
// most important state.
std::string BufferStrip(const std::string& states, size_t width);

// Lines of at most `width` columns.
std::vector<std::string> RenderMonitor(const MonitoredMount& mount, size_t width);

nlohmann::ordered_json ToJson(const MonitoredDevice& device);

}  // namespace grabfs::cli
