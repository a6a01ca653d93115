// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/devices.h"

#include <cerrno>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/log.h"
#include "fusefs/base/memory_limit.h"
#include "fusefs/source/loadable.h"
#include "fusefs/source/source.h"

namespace grabfs {
namespace {

std::unique_ptr<Source> MakeSourceOf(DeviceOption& option) {
  auto source = MakeSource(option.source);
  if (option.source.options.empty()) return source;
  throw Error(EINVAL, "device " + option.config.name + ": unknown key '" +
                          option.source.options.begin()->first + "' for source " +
                          option.source.kind);
}

// nullptr: it is not there now, and need not be.
std::unique_ptr<Source> MakeSourceIfPresent(const DeviceOption& option) {
  try {
    DeviceOption copy = option;  // what a source takes out of it is needed again
    return MakeSourceOf(copy);
  } catch (const Error& error) {
    if (!option.may_be_absent || error.code() != ENODEV) throw;
    LogInfo(option.config.name + ": not there yet: " + error.what());
    return nullptr;
  }
}

// A source without a device node says which device it has chosen.
void Pin(SourceSpec& spec, const std::string& description) {
  if (IsLoadable(spec) && description.starts_with(spec.kind + ":")) {
    spec.argument = description.substr(spec.kind.size() + 1);
  }
}

}  // namespace

std::unique_ptr<Device> MakeDevice(DeviceOption option) {
  auto source = MakeSourceOf(option);
  CheckMemoryAvailable(option.config.buffers, source->format().bytes);
  return std::make_unique<Device>(std::move(option.config), std::move(source));
}

std::vector<std::unique_ptr<Device>> MakeDevices(std::vector<DeviceOption>& options) {
  std::vector<std::pair<Device::Config, std::unique_ptr<Source>>> sources;
  uint64_t total_bytes = 0;
  for (DeviceOption& option : options) {
    auto source = MakeSourceIfPresent(option);
    if (!source) continue;
    const uint64_t bytes = source->format().bytes;
    CheckMemoryAvailable(option.config.buffers, bytes);
    total_bytes += option.config.buffers * bytes;
    Pin(option.source, source->description());
    sources.emplace_back(option.config, std::move(source));
  }
  CheckMemoryAvailable("the buffers of all devices together", total_bytes);
  std::vector<std::unique_ptr<Device>> devices;
  devices.reserve(sources.size());
  for (auto& [config, source] : sources) {
    devices.push_back(std::make_unique<Device>(config, std::move(source)));
  }
  return devices;
}

}  // namespace grabfs
