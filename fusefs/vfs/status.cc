// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/status.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "fusefs/base/version.h"

namespace grabfs {
namespace {

using Json = nlohmann::ordered_json;

std::optional<uint64_t> SequenceOf(const std::optional<Ring::Frame>& frame) {
  return frame ? std::optional(frame->info.sequence) : std::nullopt;
}

Json OrNull(const std::optional<uint64_t>& number) {
  return number ? Json(*number) : Json(nullptr);
}

Json ToJson(const RingOccupancy& occupancy, const std::string& states) {
  return {{"count", occupancy.count}, {"free", occupancy.free}, {"filling", occupancy.filling},
          {"ready", occupancy.ready}, {"held", occupancy.held}, {"renewing", occupancy.renewing},
          {"aside", occupancy.aside}, {"states", states}};
}

Json ToJson(const RingCounters& counters) {
  return {{"captured", counters.captured}, {"delivered", counters.delivered},
          {"recycled", counters.recycled}, {"dropped", counters.dropped},
          {"failed", counters.failed},     {"present", counters.present}};
}

Json ToJson(const std::vector<FrameStreams::Reader>& all) {
  Json readers = Json::array();
  for (const FrameStreams::Reader& reader : all) {
    readers.push_back({{"file", reader.file},
                       {"pid", reader.pid},
                       {"frames", reader.frames},
                       {"skipped", reader.skipped}});
  }
  return readers;
}

const char* NameOf(const DataPath& path) { return path.passthrough ? "passthrough" : "cached"; }

Json ToJson(const DeviceReport& report) {
  const DeviceState& state = report.state;
  return {{"name", report.name},
          {"source", report.source},
          {"direction", report.output ? "output" : "capture"},
          {"state", CaptureStateName(state.state)},
          {"unplugged", state.gone()},
          {"policy", PolicyName(state.policy)},
          {"last_error", state.last_error},
          {"last_error_realtime_ns", state.last_error_realtime_ns},
          {"format", state.format.name()},
          {"width", state.format.width},
          {"height", state.format.height},
          {"stride", state.format.stride},
          {"bytes", state.format.bytes},
          {"rate", state.rate.ToString()},
          {"trigger", state.trigger},
          {"into", state.into},
          {"writeback_ms", state.writeback_ms},
          {"announce", state.announce},
          {"buffers", ToJson(report.occupancy, report.slots)},
          {"sequence",
           {{"next", state.next_sequence},
            {"oldest", OrNull(report.oldest)},
            {"newest", OrNull(report.newest)}}},
          {"counters", ToJson(report.counters)},
          {"streams", ToJson(report.readers)},
          {"data_path", NameOf(report.path)},
          {"data_path_reason", report.path.reason},
          {"in_flight", report.path.in_flight},
          {"memory",
           {{"bytes", report.memory_bytes},
            {"huge_page_bytes", report.huge_page_bytes},
            {"renewed", report.renewed}}},
          {"settings", state.settings}};
}

std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

DeviceReport ReportOf(const Device& device, const DataPath& path) {
  const auto pool = device.pool();
  return {.name = device.name(),
          .source = device.source_description(),
          .output = device.output(),
          .state = device.state(),
          .occupancy = pool->ring.Occupancy(),
          .slots = pool->ring.States(),
          .oldest = SequenceOf(pool->ring.Oldest()),
          .newest = SequenceOf(pool->ring.Newest()),
          .counters = device.counters(),
          .readers = device.streams().Readers(),
          .path = path,
          .memory_bytes = pool->memory.size() * pool->format.bytes,
          .huge_page_bytes = pool->huge_page_bytes,
          .renewed = pool->renewed};
}

std::string Print(const DeviceReport& report) { return Dump(ToJson(report)); }

std::string Print(const MountReport& report) {
  utsname system = {};
  uname(&system);
  Json list = Json::array();
  for (const DeviceReport& device : report.devices) list.push_back(ToJson(device));
  return Dump({{"version", kVersion},
               {"kernel", system.release},
               {"pid", getpid()},
               {"mountpoint", report.mountpoint},
               {"data_path", NameOf(report.path)},
               {"data_path_reason", report.path.reason},
               {"handles", report.path.handles},
               {"alloc",
                {{"files", report.alloc_files},
                 {"bytes", report.alloc_bytes},
                 {"limit_bytes", report.alloc_limits.total_bytes},
                 {"user_limit_bytes", report.alloc_limits.user_bytes}}},
               {"devices", list}});
}

}  // namespace grabfs
