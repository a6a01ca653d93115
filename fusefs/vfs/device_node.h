// SPDX-License-Identifier: Apache-2.0
//
// A device with its place in the mount.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "fusefs/capture/device.h"
#include "fusefs/vfs/frame_guards.h"

namespace grabfs {

struct DeviceNode {
  DeviceNode(uint32_t the_number, std::unique_ptr<Device> the_device)
      : number(the_number), device(std::move(the_device)) {}

  const uint32_t number;  // for inode numbers; never used again in this mount
  const std::unique_ptr<Device> device;
  std::atomic<uint32_t> open_files = 0;
  FrameGuards guards;
  // Output: when what was written goes to the device unasked; the housekeeper's.
  std::chrono::steady_clock::time_point next_writeback = {};
};

}  // namespace grabfs
