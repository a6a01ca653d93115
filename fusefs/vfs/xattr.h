// SPDX-License-Identifier: Apache-2.0
//
// The extended attributes user.grabfs.* of a frame: one table of names and values.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "fusefs/base/pixel_format.h"
#include "fusefs/ring/ring.h"

namespace grabfs {

// The names of all attributes that a frame has, each ended by a zero byte, as listxattr(2) returns
// them.
std::string FrameXattrNames(const FrameFormat& format, const FrameInfo& info);
// The value as text; nullopt: the frame has no attribute of that name.
std::optional<std::string> FrameXattr(std::string_view name, const FrameFormat& format,
                                      const FrameInfo& info);

// All names and values.
std::map<std::string, std::string, std::less<>> FrameXattrs(const FrameFormat& format,
                                                            const FrameInfo& info);

}  // namespace grabfs
