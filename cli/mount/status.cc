// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/status.h"

#include <array>
#include <cerrno>
#include <ctime>
#include <nlohmann/json.hpp>

#include "cli/base/text.h"
#include "fusefs/base/device_name.h"
#include "fusefs/base/error.h"

namespace grabfs::cli {
namespace {

using nlohmann::json;

// Runs `parse` and turns the library's exceptions into ours.
template <typename Parse>
auto Guarded(const std::string& origin, Parse parse) {
  try {
    return parse();
  } catch (const json::exception& e) {
    throw Error(EPROTO, origin + ": not what a grabfs mount says: " + e.what());
  } catch (const Error& e) {
    throw Error(EPROTO, origin + ": not what a grabfs mount says: " + e.what());
  }
}

std::optional<uint64_t> OptionalCount(const json& value) {
  if (value.is_null()) return std::nullopt;
  return ToCount(value);
}

uint64_t CountAt(const json& j, const char* key) { return ToCount(j.at(key)); }

uint32_t SmallCountAt(const json& j, const char* key) {
  const uint64_t count = CountAt(j, key);
  if (count > UINT32_MAX) throw Error(EPROTO, std::string(key) + " is too large");
  return static_cast<uint32_t>(count);
}

DeviceStatus::Buffers ReadBuffers(const json& j) {
  return {CountAt(j, "count"),   CountAt(j, "free"),
          CountAt(j, "filling"), CountAt(j, "ready"),
          CountAt(j, "held"),    CountAt(j, "renewing"),
          CountAt(j, "aside"),   j.at("states").get<std::string>()};
}

std::vector<DeviceStatus::Stream> ReadStreams(const json& j) {
  std::vector<DeviceStatus::Stream> streams;
  for (const json& stream : j) {
    streams.push_back({stream.at("file").get<std::string>(),
                       static_cast<int64_t>(CountAt(stream, "pid")), CountAt(stream, "frames"),
                       CountAt(stream, "skipped")});
  }
  return streams;
}

DeviceStatus::Counters ReadCounters(const json& j) {
  return {CountAt(j, "captured"), CountAt(j, "delivered"), CountAt(j, "recycled"),
          CountAt(j, "dropped"),  CountAt(j, "failed"),    CountAt(j, "present")};
}

DeviceStatus::Sequence ReadSequence(const json& j) {
  return {CountAt(j, "next"), OptionalCount(j.at("oldest")), OptionalCount(j.at("newest"))};
}

DeviceStatus::Memory ReadMemory(const json& j) {
  const auto huge = j.find("huge_page_bytes");
  return {CountAt(j, "bytes"), huge == j.end() ? std::nullopt : OptionalCount(*huge),
          CountAt(j, "renewed")};
}

// Sources may have settings of any type; here they are for people.
std::map<std::string, std::string> ReadSettings(const json& j) {
  std::map<std::string, std::string> settings;
  for (const auto& [key, value] : j.items()) {
    settings[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return settings;
}

DeviceStatus ReadDevice(const json& j) {
  DeviceStatus status;
  j.at("name").get_to(status.name);
  ValidateDeviceName(status.name);  // it becomes part of paths
  j.at("source").get_to(status.source);
  j.at("state").get_to(status.state);
  j.at("policy").get_to(status.policy);
  j.at("last_error").get_to(status.last_error);
  status.last_error_realtime_ns = CountAt(j, "last_error_realtime_ns");
  j.at("format").get_to(status.format);
  status.width = SmallCountAt(j, "width");
  status.height = SmallCountAt(j, "height");
  status.stride = SmallCountAt(j, "stride");
  status.bytes = CountAt(j, "bytes");
  j.at("rate").get_to(status.rate);
  status.trigger = CountAt(j, "trigger");
  status.buffers = ReadBuffers(j.at("buffers"));
  status.sequence = ReadSequence(j.at("sequence"));
  status.counters = ReadCounters(j.at("counters"));
  j.at("data_path").get_to(status.data_path);
  j.at("data_path_reason").get_to(status.data_path_reason);
  j.at("in_flight").get_to(status.in_flight);
  status.streams = ReadStreams(j.at("streams"));
  status.memory = ReadMemory(j.at("memory"));
  status.settings = ReadSettings(j.at("settings"));
  return status;
}

MountStatus ReadMount(const json& j) {
  MountStatus status;
  j.at("version").get_to(status.version);
  j.at("kernel").get_to(status.kernel);
  status.pid = SmallCountAt(j, "pid");
  j.at("data_path").get_to(status.data_path);
  j.at("data_path_reason").get_to(status.data_path_reason);
  j.at("handles").get_to(status.handles);
  for (const json& device : j.at("devices")) status.devices.push_back(ReadDevice(device));
  return status;
}

// In this machine's time zone; empty: it is no time.
std::string LocalTime(uint64_t realtime_ns) {
  const auto seconds = static_cast<time_t>(realtime_ns / 1'000'000'000);
  tm fields = {};
  std::array<char, 64> text;
  if (::localtime_r(&seconds, &fields) == nullptr) return "";
  return {text.data(), std::strftime(text.data(), text.size(), "%F %T", &fields)};
}

}  // namespace

std::string DescribeLastError(const DeviceStatus& status) {
  if (status.last_error.empty()) return "";
  return LocalTime(status.last_error_realtime_ns) + ": " + OneLine(status.last_error);
}

uint64_t ToCount(const json& value) {
  const bool is_count = value.is_number_integer() && (value.is_number_unsigned() || value >= 0);
  if (!is_count) throw Error(EPROTO, value.dump() + " is not a count");
  return value.get<uint64_t>();
}

json ParseJson(std::string_view text, const std::string& origin) {
  return Guarded(origin, [&] { return json::parse(text); });
}

DeviceStatus ParseDeviceStatus(const json& j, const std::string& origin) {
  return Guarded(origin, [&] { return ReadDevice(j); });
}

MountStatus ParseMountStatus(const json& j, const std::string& origin) {
  return Guarded(origin, [&] { return ReadMount(j); });
}

}  // namespace grabfs::cli
