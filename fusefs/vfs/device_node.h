// SPDX-License-Identifier: Apache-2.0
//
// A device with its place in the mount.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "fusefs/capture/device.h"

namespace grabfs {

struct DeviceNode {
  const uint32_t number;  // for inode numbers; never used again in this mount
  const std::unique_ptr<Device> device;
  std::atomic<uint32_t> open_files = 0;
};

}  // namespace grabfs
