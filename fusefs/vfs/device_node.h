// SPDX-License-Identifier: Apache-2.0
//
// A device, and what the mount keeps for it. Threads: any, unless a member says otherwise.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "fusefs/base/task_thread.h"
#include "fusefs/capture/device.h"
#include "fusefs/vfs/inode.h"
#include "fusefs/vfs/lookup_holds.h"
#include "fusefs/vfs/status.h"
#include "fusefs/vfs/stream_converter.h"

namespace grabfs {

struct DeviceNode {
  DeviceNode(uint32_t the_number, std::unique_ptr<Device> the_device,
             StreamConverter::Convert convert = ConvertToY4m)
      : number(the_number), device(std::move(the_device)), converter(std::move(convert)) {}

  const uint32_t number;  // for inode numbers; never used again in this mount
  const std::unique_ptr<Device> device;

  [[nodiscard]] Inode Of(NodeKind kind, uint64_t index = 0) const { return {number, kind, index}; }
  [[nodiscard]] Inode OfBuffer(const Pool& pool, uint32_t slot) const {
    return Inode::Buffer(number, pool.generation, slot);
  }
  // The current pool first, then earlier pools of which frames are held.
  [[nodiscard]] std::vector<std::shared_ptr<Pool>> Pools() const {
    auto pools = device->retired_pools();
    pools.insert(pools.begin(), device->pool());
    return pools;
  }

  std::atomic<uint32_t> open_files = 0;
  LookupHolds lookup_holds;
  // The kernel may have cached the times of frames/.
  std::atomic<bool> frames_time_known = false;
  std::atomic<bool> has_announced = false;  // a frame: see Device::announces()
  StreamConverter converter;
  Printed<DeviceReport> status;

  // Joins the threads; files that are open can still be read.
  void End() {
    converter.Stop();  // first, because the device's delivery thread delivers its results
    device->Halt();
  }

  // Output: when the housekeeper shows written buffers next. Used by the housekeeper only.
  std::chrono::steady_clock::time_point next_writeback = {};

  // Runs a task that reads a control, in the *control thread* of the device, which does nothing
  // else. A device that hangs would block a worker, but blocks only this thread.
  void PostControlRead(TaskThread::Task task) {
    std::call_once(control_thread_started_,
                   [this] { control_thread_.Start([] { return std::nullopt; }); });
    control_thread_.Post(std::move(task));
  }

 private:
  std::once_flag control_thread_started_;
  TaskThread control_thread_;
};

using NodePtr = std::shared_ptr<DeviceNode>;

}  // namespace grabfs
