// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/known_devices.h"

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

KnownDevices::KnownDevices(std::string kind, const std::vector<DeviceOption>& named, bool all,
                           IdentityOf identity_of)
    : kind_(std::move(kind)), all_(all), identity_of_(std::move(identity_of)) {
  for (const DeviceOption& option : named) {
    if (option.source.kind == kind_ && !option.source.argument.empty()) {
      entries_.push_back({identity_of_(option.source.argument), option});
    }
  }
}

// Cheap cameras of one model share a serial number. Then it must be one that is not present.
KnownDevices::Entry* KnownDevices::FindBySerial(const std::string& serial, const Present& present) {
  Entry* found = nullptr;
  for (Entry& entry : entries_) {
    if (serial.empty() || entry.identity.serial != serial) continue;
    if (!present(entry.option.config.name)) return &entry;
    if (found == nullptr) found = &entry;
  }
  return found;
}

// The serial number comes first: at the same place another device may have been plugged in.
KnownDevices::Entry* KnownDevices::Find(const NodeIdentity& identity, const Present& present) {
  const auto same = std::ranges::find(entries_, identity, &Entry::identity);
  if (same != entries_.end()) return &*same;
  if (Entry* const moved = FindBySerial(identity.serial, present)) {
    if (!present(moved->option.config.name)) moved->identity.place = identity.place;
    return moved;
  }
  const auto there = std::ranges::find(entries_, identity.place,
                                       [](const Entry& entry) { return entry.identity.place; });
  return there == entries_.end() ? nullptr : &*there;
}

std::optional<DeviceOption> KnownDevices::OptionFor(const std::string& node,
                                                    const Present& present) {
  const NodeIdentity identity = identity_of_(node);
  Entry* entry = Find(identity, present);
  if (entry == nullptr && !all_) return std::nullopt;
  if (entry == nullptr) {
    entries_.push_back({identity, ParseDeviceOption(NewName(node) + "=" + kind_ + ":" + node)});
    entry = &entries_.back();
  }
  DeviceOption option = entry->option;
  option.source.argument = node;
  return option;
}

bool KnownDevices::Taken(const std::string& name) const {
  return std::ranges::any_of(entries_,
                             [&](const Entry& entry) { return entry.option.config.name == name; });
}

// The node's own number, or the first that no other device has had.
std::string KnownDevices::NewName(const std::string& node) const {
  std::string wanted = kNamePrefix + NumberOf(node);
  if (!Taken(wanted)) return wanted;
  uint32_t number = 0;
  while (Taken(kNamePrefix + std::to_string(number))) ++number;
  return kNamePrefix + std::to_string(number);
}

}  // namespace grabfs
