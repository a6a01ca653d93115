// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/status.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "fusefs/base/version.h"

namespace grabfs {
namespace {

using Json = nlohmann::ordered_json;

Json SequenceOrNull(const std::optional<Ring::Frame>& frame) {
  return frame ? Json(frame->info.sequence) : Json(nullptr);
}

Json ToJson(const Ring& ring) {
  const RingOccupancy occupancy = ring.Occupancy();
  return {{"count", occupancy.count}, {"free", occupancy.free}, {"filling", occupancy.filling},
          {"ready", occupancy.ready}, {"held", occupancy.held}, {"states", ring.States()}};
}

Json ToJson(const RingCounters& counters) {
  return {{"captured", counters.captured}, {"delivered", counters.delivered},
          {"recycled", counters.recycled}, {"dropped", counters.dropped},
          {"failed", counters.failed},     {"present", counters.present}};
}

Json ToJson(const Pool& pool) {
  return {{"bytes", pool.memory.size() * pool.format.bytes},
          {"huge_page_bytes", pool.huge_page_bytes}};
}

Json ToJson(const FrameStreams& streams) {
  Json readers = Json::array();
  for (const FrameStreams::Reader& reader : streams.Readers()) {
    readers.push_back({{"file", reader.file},
                       {"pid", reader.pid},
                       {"frames", reader.frames},
                       {"skipped", reader.skipped}});
  }
  return readers;
}

Json ToJson(const alloc::Quota& quota) {
  const alloc::Quota::Usage total = quota.Total();
  return {{"files", total.files},
          {"bytes", total.bytes},
          {"limit_bytes", quota.limits().total_bytes},
          {"user_limit_bytes", quota.limits().user_bytes}};
}

Json ToJson(const Device& device, const DataPath& path) {
  const DeviceState state = device.state();
  const auto pool = device.pool();
  return {{"name", device.name()},
          {"source", device.source_description()},
          {"direction", device.output() ? "output" : "capture"},
          {"state", CaptureStateName(state.state)},
          {"unplugged", state.gone()},
          {"policy", PolicyName(state.policy)},
          {"last_error", state.last_error},
          {"format", state.format.name()},
          {"width", state.format.width},
          {"height", state.format.height},
          {"stride", state.format.stride},
          {"bytes", state.format.bytes},
          {"rate", state.rate.ToString()},
          {"trigger", state.trigger},
          {"into", state.into},
          {"writeback_ms", state.writeback_ms},
          {"buffers", ToJson(pool->ring)},
          {"sequence",
           {{"next", state.next_sequence},
            {"oldest", SequenceOrNull(pool->ring.Oldest())},
            {"newest", SequenceOrNull(pool->ring.Newest())}}},
          {"counters", ToJson(device.counters())},
          {"streams", ToJson(device.streams())},
          {"data_path", path.passthrough ? "passthrough" : "cached"},
          {"data_path_reason", path.reason},
          {"memory", ToJson(*pool)},
          {"settings", state.settings}};
}

std::string Print(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string DeviceStatus(const Device& device, const DataPath& path) {
  return Print(ToJson(device, path));
}

std::string MountStatus(const std::string& mountpoint,
                        const std::vector<std::shared_ptr<DeviceNode>>& nodes, const DataPath& path,
                        const alloc::Quota& alloc) {
  utsname system = {};
  uname(&system);
  Json devices = Json::array();
  for (const auto& node : nodes) devices.push_back(ToJson(*node->device, path));
  return Print({{"version", kVersion},
                {"kernel", system.release},
                {"pid", getpid()},
                {"mountpoint", mountpoint},
                {"data_path", path.passthrough ? "passthrough" : "cached"},
                {"data_path_reason", path.reason},
                {"alloc", ToJson(alloc)},
                {"devices", devices}});
}

}  // namespace grabfs
