// SPDX-License-Identifier: Apache-2.0
//
// The directory controls/ of a device that has some: a file NAME with the value, and beside it
// NAME.info, which tells what may be written there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "fusefs/capture/device.h"

namespace grabfs {

// What stat() shows, as in sysfs: to know better, the device would have to be asked.
inline constexpr uint64_t kControlSize = 4096;

// The index of the inode of the directory; its files follow, two for each control.
inline constexpr uint64_t kControlsDirectory = 0;
inline constexpr uint64_t kFirstControl = 1;

[[nodiscard]] bool HasControls(const Device& device);

// One file of the directory.
struct ControlFile {
  std::string control;
  bool description;  // NAME.info
  bool writable;

  [[nodiscard]] std::string name() const;
};

// By the index of its inode; nullopt: there is none.
std::optional<ControlFile> ControlOf(const Device& device, uint64_t index);
// The index of a name in the directory.
std::optional<uint64_t> FindControl(const Device& device, const std::string& name);
// What reading it yields. Throws Error.
std::string PrintControl(const Device& device, const ControlFile& file);
// One write(): the text without the end of its line.
void WriteControl(Device& device, const ControlFile& file, std::string_view text,
                  Device::Done done);

}  // namespace grabfs
