// SPDX-License-Identifier: Apache-2.0
#include "cli/status.h"

#include <cerrno>
#include <nlohmann/json.hpp>

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
  }
}

std::optional<uint64_t> OptionalCount(const json& value) {
  if (value.is_null()) return std::nullopt;
  return value.get<uint64_t>();
}

DeviceStatus::Buffers ReadBuffers(const json& j) {
  return {j.at("count"), j.at("free"), j.at("filling"), j.at("ready"), j.at("held")};
}

DeviceStatus::Counters ReadCounters(const json& j) {
  return {j.at("captured"), j.at("delivered"), j.at("recycled"),
          j.at("dropped"),  j.at("failed"),    j.at("present")};
}

DeviceStatus::Sequence ReadSequence(const json& j) {
  return {j.at("next"), OptionalCount(j.at("oldest")), OptionalCount(j.at("newest"))};
}

DeviceStatus::Memory ReadMemory(const json& j) {
  const auto huge = j.find("huge_page_bytes");
  return {j.at("bytes"), huge == j.end() ? std::nullopt : OptionalCount(*huge)};
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
  j.at("source").get_to(status.source);
  j.at("state").get_to(status.state);
  j.at("policy").get_to(status.policy);
  j.at("last_error").get_to(status.last_error);
  j.at("format").get_to(status.format);
  j.at("width").get_to(status.width);
  j.at("height").get_to(status.height);
  j.at("stride").get_to(status.stride);
  j.at("bytes").get_to(status.bytes);
  j.at("rate").get_to(status.rate);
  j.at("trigger").get_to(status.trigger);
  status.buffers = ReadBuffers(j.at("buffers"));
  status.sequence = ReadSequence(j.at("sequence"));
  status.counters = ReadCounters(j.at("counters"));
  j.at("data_path").get_to(status.data_path);
  j.at("data_path_reason").get_to(status.data_path_reason);
  status.memory = ReadMemory(j.at("memory"));
  status.settings = ReadSettings(j.at("settings"));
  return status;
}

MountStatus ReadMount(const json& j) {
  MountStatus status;
  j.at("version").get_to(status.version);
  j.at("kernel").get_to(status.kernel);
  j.at("pid").get_to(status.pid);
  j.at("data_path").get_to(status.data_path);
  j.at("data_path_reason").get_to(status.data_path_reason);
  for (const json& device : j.at("devices")) status.devices.push_back(ReadDevice(device));
  return status;
}

}  // namespace

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
