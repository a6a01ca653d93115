// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/roster.h"

#include <algorithm>
#include <utility>

namespace grabfs {
namespace {

constexpr char kNamePrefix[] = "grab";

std::string NumberOf(const std::string& node) {
  const size_t last = node.find_last_not_of("0123456789");
  return last == std::string::npos ? node : node.substr(last + 1);
}

}  // namespace

Roster::Roster(std::string kind, const std::vector<DeviceOption>& named, bool all, BusOf bus_of)
    : kind_(std::move(kind)), all_(all), bus_of_(std::move(bus_of)) {
  for (const DeviceOption& option : named) {
    if (option.source.kind == kind_ && !option.source.argument.empty()) {
      by_bus_.emplace(bus_of_(option.source.argument), option);
    }
  }
}

std::optional<DeviceOption> Roster::OptionFor(const std::string& node) {
  const std::string bus = bus_of_(node);
  const auto found = by_bus_.find(bus);
  if (found == by_bus_.end() && !all_) return std::nullopt;
  DeviceOption option;
  if (found != by_bus_.end()) {
    option = found->second;
    option.source.argument = node;
  } else {
    option = ParseDeviceOption(NewName(node) + "=" + kind_ + ":" + node);
    by_bus_.emplace(bus, option);
  }
  return option;
}

bool Roster::Taken(const std::string& name) const {
  return std::ranges::any_of(by_bus_,
                             [&](const auto& entry) { return entry.second.config.name == name; });
}

// The node's own number, or the first that no other device has had.
std::string Roster::NewName(const std::string& node) const {
  std::string wanted = kNamePrefix + NumberOf(node);
  if (!Taken(wanted)) return wanted;
  uint32_t number = 0;
  while (Taken(kNamePrefix + std::to_string(number))) ++number;
  return kNamePrefix + std::to_string(number);
}

}  // namespace grabfs
