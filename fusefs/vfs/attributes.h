// SPDX-License-Identifier: Apache-2.0
//
// The attribute files of a device: one table of names, modes, how each prints and what writing to
// it orders. What an attribute prints, it accepts.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>

#include "fusefs/capture/device.h"

namespace grabfs {

struct Attribute {
  std::string_view name;
  mode_t mode;  // permission bits before umask
  std::string (*print)(const Device& device, const DeviceState& state);
  // Parses and orders; throws Error(EINVAL) at once for what cannot be read. nullptr: read-only.
  void (*order)(Device& device, std::string_view text, Device::Done done);
};

std::span<const Attribute> Attributes();
// nullptr when there is none of that name.
const Attribute* FindAttribute(std::string_view name);

// The content of the file: the value and a newline.
std::string PrintAttribute(const Attribute& attribute, const Device& device);
// One write(): the text without blanks around it. What cannot be read becomes the device's
// last_error and is passed to `done` like any failure.
void WriteAttribute(const Attribute& attribute, Device& device, std::string_view text,
                    Device::Done done);

}  // namespace grabfs
