// SPDX-License-Identifier: Apache-2.0
//
// Makes devices from the options of the command line.
#pragma once

#include <memory>
#include <vector>

#include "fusefs/capture/device.h"
#include "fusefs/main/options.h"

namespace grabfs {

// Opens the source and allocates the buffers. Throws Error: the source cannot be opened, a key is
// unknown, there is not enough memory.
std::unique_ptr<Device> MakeDevice(DeviceOption option);

// Makes all or none: it allocates no buffer before all sources are open and the memory for all is
// there. Left out are those that may be absent, and are. `options`: become what names each device
// again, the same camera even if the first was asked for.
std::vector<std::unique_ptr<Device>> MakeDevices(std::vector<DeviceOption>& options);

}  // namespace grabfs
