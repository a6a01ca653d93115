// SPDX-License-Identifier: Apache-2.0
//
// The fixed names of the mount, and those made of a number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace grabfs {

inline constexpr std::string_view kFramesName = "frames";
inline constexpr std::string_view kBuffersName = "buffers";
inline constexpr std::string_view kRaw = "raw";  // the form of frames as they are
inline constexpr std::string_view kControlsName = "controls";
inline constexpr std::string_view kDescriptionSuffix = ".info";
inline constexpr std::string_view kEventsName = "events";
inline constexpr std::string_view kIntoName = "into";
inline constexpr std::string_view kAllocName = "alloc";
inline constexpr std::string_view kStatusName = "status.json";

// "latest.raw"; "frames.pnm" for forms other than that.
std::string LatestName(std::string_view form);
std::string PicturesName(std::string_view form);

// "00000042.raw", "003.raw"; more digits when the number needs them.
std::string FrameName(uint64_t sequence, std::string_view form = kRaw);
std::string BufferName(uint32_t slot);
// The number, when `name` is exactly what the function above makes of it.
std::optional<uint64_t> ParseFrameName(std::string_view name, std::string_view form = kRaw);
std::optional<uint32_t> ParseBufferName(std::string_view name);

}  // namespace grabfs
