// SPDX-License-Identifier: Apache-2.0
//
// status.json of a device and of the whole mount. The text is long, and `ls -l` needs its size: so
// it is printed once for each change, not for each stat().
//
// Threads: any.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fusefs/alloc/quota.h"
#include "fusefs/base/mutex.h"
#include "fusefs/capture/device.h"
#include "fusefs/vfs/data_path.h"

namespace grabfs {

// Everything in the text that can change.
struct DeviceReport {
  std::string name;
  std::string source;
  bool output = false;
  DeviceState state;
  RingOccupancy occupancy;
  std::string slots;  // see Ring::States()
  std::optional<uint64_t> oldest;
  std::optional<uint64_t> newest;
  RingCounters counters;
  std::vector<FrameStreams::Reader> readers;
  DataPath path;
  uint64_t memory_bytes = 0;
  uint64_t huge_page_bytes = 0;
  uint64_t renewed = 0;

  friend bool operator==(const DeviceReport&, const DeviceReport&) = default;
};

struct MountReport {
  std::string mountpoint;
  DataPath path;
  uint64_t alloc_files = 0;
  uint64_t alloc_bytes = 0;
  alloc::Quota::Limits alloc_limits;
  std::vector<DeviceReport> devices;

  friend bool operator==(const MountReport&, const MountReport&) = default;
};

DeviceReport ReportOf(const Device& device, const DataPath& path);
std::string Print(const DeviceReport& report);
std::string Print(const MountReport& report);

// Caches the text of the last report.
template <typename Report>
class Printed {
 public:
  using Text = std::shared_ptr<const std::string>;

  // The text of `now`. Takes time if `now` differs from the last report (TakesTime()).
  Text Of(Report now) {
    {
      const std::lock_guard lock(mutex_);
      if (text_ && report_ == now) return text_;
    }
    TakesTime();
    auto text = std::make_shared<const std::string>(Print(now));
    const std::lock_guard lock(mutex_);
    report_ = std::move(now);
    text_ = std::move(text);
    return text_;
  }

 private:
  Mutex mutex_;  // guards all below; leaf
  Report report_;
  Text text_;
};

}  // namespace grabfs
