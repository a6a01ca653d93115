// SPDX-License-Identifier: Apache-2.0
//
// The attribute files of a device: one table of names, modes, and functions that print the value
// and carry out a write. An attribute accepts the text that it prints.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>

#include "fusefs/capture/device.h"

namespace grabfs {

struct Attribute {
  std::string_view name;
  mode_t mode;  // permission bits without mount options
  std::string (*print)(const Device& device, const DeviceState& state);
  // Parses the text and posts a command to the device. Throws Error(EINVAL) at once for text that
  // it cannot parse. nullptr: read-only.
  void (*write)(Device& device, std::string_view text, Device::Done done);
};

std::span<const Attribute> Attributes();
// nullptr when there is none of that name.
const Attribute* FindAttribute(std::string_view name);

// The content of the file: the value and a newline.
std::string PrintAttribute(const Attribute& attribute, const Device& device);
// Carries out one write(2): trims the text and calls Attribute::write. Text that cannot be parsed
// becomes the device's last_error and an error for `done`, like any failure of a command.
void WriteAttribute(const Attribute& attribute, Device& device, std::string_view text,
                    Device::Done done);

}  // namespace grabfs
