// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/devices.h"

#include <cerrno>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/memory_limit.h"
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

}  // namespace

std::unique_ptr<Device> MakeDevice(DeviceOption option) {
  auto source = MakeSourceOf(option);
  CheckMemoryAvailable(option.config.buffers, source->format().bytes);
  return std::make_unique<Device>(std::move(option.config), std::move(source));
}

std::vector<std::unique_ptr<Device>> MakeDevices(std::vector<DeviceOption> options) {
  std::vector<std::unique_ptr<Source>> sources;
  uint64_t total_bytes = 0;
  for (auto& option : options) {
    sources.push_back(MakeSourceOf(option));
    const uint64_t bytes = sources.back()->format().bytes;
    CheckMemoryAvailable(option.config.buffers, bytes);
    total_bytes += option.config.buffers * bytes;
  }
  CheckMemoryAvailable("the buffers of all devices together", total_bytes);
  std::vector<std::unique_ptr<Device>> devices;
  devices.reserve(options.size());
  for (size_t i = 0; i < options.size(); ++i) {
    devices.push_back(std::make_unique<Device>(options[i].config, std::move(sources[i])));
  }
  return devices;
}

}  // namespace grabfs
