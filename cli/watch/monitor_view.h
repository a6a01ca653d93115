// SPDX-License-Identifier: Apache-2.0
//
// What `monitor` shows: the state of mounts at one time, and its text. Pure functions.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/mount/mount_users.h"
#include "cli/mount/status.h"
#include "cli/watch/device_rates.h"
#include "cli/watch/page.h"

namespace grabfs::cli {

struct MonitoredDevice {
  DeviceStatus status;
  DeviceRates rates;
  std::vector<double> history;  // frames a second, look by look
  std::vector<FileUser> users;  // of its files; names are relative to its directory
};

struct MonitoredMount {
  std::string mountpoint;
  std::vector<MonitoredDevice> devices;
};

// One character for each buffer: '#' with a frame, 'H' held, '>' being filled, '.' empty, '~'
// getting new pages, '!' put aside. If there are more buffers than `width`, several share a
// character, which shows the most important state.
std::string BufferStrip(const std::string& states, size_t width);

// Lines of at most `width` columns. `unicode`: the terminal shows more than ASCII.
std::vector<Line> RenderMonitor(const std::vector<MonitoredMount>& mounts, size_t width,
                                bool unicode);

nlohmann::ordered_json ToJson(const std::string& mountpoint, const MonitoredDevice& device);

}  // namespace grabfs::cli
