// SPDX-License-Identifier: Apache-2.0
//
// From what a user wrote to a device that is ready to run.
#pragma once

#include <memory>
#include <vector>

#include "fusefs/capture/device.h"
#include "fusefs/main/options.h"

namespace grabfs {

// Opens the source and allocates the buffers. Throws Error: the source cannot be had, a key is
// unknown, there is not enough memory.
std::unique_ptr<Device> MakeDevice(DeviceOption option);

// All or none: no buffer is allocated before all sources are open and the memory for all suffices.
std::vector<std::unique_ptr<Device>> MakeDevices(std::vector<DeviceOption> options);

}  // namespace grabfs
