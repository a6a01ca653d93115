// SPDX-License-Identifier: Apache-2.0
//
// Parses and prints the text parts of YUV4MPEG2: stream headers and frame headers. It knows no
// files and no pixels.
//
//     YUV4MPEG2 W640 H480 F30000:1001 Ip A1:1 C420jpeg XANYTHING\n
//     FRAME\n <bytes of one image> FRAME Ip\n <bytes> ...
//
// The stream is text up to each newline; an image has the fixed size that follows from W, H and C.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fusefs/base/pixel_format.h"
#include "fusefs/base/rate.h"

namespace grabfs {

// The longest header line; a file without a newline in its first bytes is no Y4M.
inline constexpr size_t kY4mMaxLine = 1024;

struct Y4mHeader {
  FrameFormat format;
  std::optional<Rate> rate;  // nullopt: the header has none
  size_t length = 0;         // of the header with its newline
};

// Does a file that starts with `start` claim to be YUV4MPEG2?
bool IsY4m(std::string_view start);

// Parses the header at the beginning of `start`. Throws Error(EINVAL) with the offset of a mistake,
// or with the name of a format that grabfs does not have (4:1:1, alpha).
Y4mHeader ParseY4mHeader(std::string_view start);

// The length of the frame header at the beginning of `text`, newline included. Throws
// Error(EINVAL), whose message says that `text` begins at byte `offset` of the file.
size_t ParseY4mFrameHeader(std::string_view text, uint64_t offset);

// The header of a stream of frames of this planar() format, with its newline. For an unlimited rate
// it says 30 frames a second, because Y4M has no "as fast as possible".
std::string PrintY4mHeader(const FrameFormat& format, Rate rate);

inline constexpr std::string_view kY4mFrameHeader = "FRAME\n";

}  // namespace grabfs
