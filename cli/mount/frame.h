// SPDX-License-Identifier: Apache-2.0
//
// Frames of a device, found and held by libgrabfs: as long as a grabfs::Frame exists its pixels do
// not change, and its buffer is not used for another frame.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <system_error>

#include "cli/mount/device.h"
#include "fusefs/base/error.h"
#include "fusefs/base/pixel_format.h"
#include "grabfs/grabfs.hpp"

namespace grabfs::cli {

FrameFormat FormatOf(const grabfs::Frame& frame);

inline std::span<const uint8_t> PixelsOf(const grabfs::Frame& frame) {
  return {frame.data(), frame.size()};
}

// Runs `call`, and throws what libgrabfs throws as an Error of this program.
template <typename Call>
auto WithErrors(Call call) {
  try {
    return call();
  } catch (const std::system_error& error) {
    throw Error(error.code().value(), grabfs_reason());
  }
}

inline grabfs::Device OpenCamera(const Device& device) {
  return WithErrors([&] { return grabfs::Device(device.directory().string()); });
}

// The frame of this number, or the newest. nullopt: it is not there. Throws Error.
std::optional<grabfs::Frame> FindFrame(const Device& device, std::optional<uint64_t> sequence);

}  // namespace grabfs::cli
