// SPDX-License-Identifier: Apache-2.0
//
// status.json: the state of a device, and of the whole mount, in one read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fusefs/vfs/device_node.h"
#include "fusefs/vfs/file_system.h"

namespace grabfs {

std::string DeviceStatus(const Device& device, const DataPath& path);
std::string MountStatus(const std::string& mountpoint,
                        const std::vector<std::shared_ptr<DeviceNode>>& nodes, const DataPath& path,
                        const alloc::Quota& alloc);

}  // namespace grabfs
