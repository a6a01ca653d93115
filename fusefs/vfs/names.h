// SPDX-License-Identifier: Apache-2.0
//
// File names that several kinds use, and names that contain a number. All other names are in the
// file of their kind (kinds/).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace grabfs {

inline constexpr std::string_view kFramesName = "frames";
inline constexpr std::string_view kBuffersName = "buffers";
inline constexpr std::string_view kRaw = "raw";  // the extension of unconverted frames
inline constexpr std::string_view kAllocName = "alloc";
inline constexpr std::string_view kPageName = "index.html";
inline constexpr std::string_view kStatusName = "status.json";
// Of the root directory: the words of -o that the daemon was mounted with.
inline constexpr char kOptionsXattr[] = "user.grabfs.options";

// "latest.raw"; "frames.pnm" for forms other than that.
std::string LatestName(std::string_view form);
std::string PicturesName(std::string_view form);

// "00000042.raw", "003.raw"; more digits when the number needs them.
std::string FrameName(uint64_t sequence, std::string_view form = kRaw);
std::string BufferName(uint32_t slot);
// The number, if `name` is exactly the name that the functions above make of it.
std::optional<uint64_t> ParseFrameName(std::string_view name, std::string_view form = kRaw);
std::optional<uint32_t> ParseBufferName(std::string_view name);

}  // namespace grabfs
