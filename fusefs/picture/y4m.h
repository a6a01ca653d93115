// SPDX-License-Identifier: Apache-2.0
//
// The grammar of YUV4MPEG2: its stream header and its frame headers, as text, read and written. It
// touches no files and moves no pixels.
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

// No header line is longer: what has no newline within so many bytes is no Y4M.
inline constexpr size_t kY4mMaxLine = 1024;

struct Y4mHeader {
  FrameFormat format;
  std::optional<Rate> rate;  // nullopt: the stream does not tell
  size_t length = 0;         // of the header with its newline
};

// Does a file that starts with `start` claim to be YUV4MPEG2?
bool IsY4m(std::string_view start);

// Parses the header that `start` begins with. Throws Error(EINVAL) with the byte at which it cannot
// be read, or with what this program cannot show (more than 8 bits, 4:1:1, alpha).
Y4mHeader ParseY4mHeader(std::string_view start);

// The length of the frame header that `text` begins with, newline included. `text` stands at byte
// `offset` of the file, for the message of Error(EINVAL).
size_t ParseY4mFrameHeader(std::string_view text, uint64_t offset);

// Can a stream carry the bytes of this format as they are?
bool IsY4mFormat(Fourcc fourcc);

// The header of a stream of this format, for which IsY4mFormat() holds, with its newline. Without
// a limit on the rate it says 30 frames a second: the format knows no "as fast as possible".
std::string PrintY4mHeader(const FrameFormat& format, Rate rate);

inline constexpr std::string_view kY4mFrameHeader = "FRAME\n";

}  // namespace grabfs
