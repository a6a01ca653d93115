// SPDX-License-Identifier: Apache-2.0
//
// The table of pixel formats and the geometry of a frame in memory: the only place that knows how
// many bytes a picture of a fourcc takes. Names and byte layouts are V4L2's (the "Image Formats"
// chapter of the V4L2 specification). It converts no pixels.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace grabfs {

// A V4L2 four-character code, least significant byte first.
using Fourcc = uint32_t;

constexpr Fourcc MakeFourcc(char a, char b, char c, char d) {
  return static_cast<uint8_t>(a) | static_cast<uint32_t>(static_cast<uint8_t>(b)) << 8 |
         static_cast<uint32_t>(static_cast<uint8_t>(c)) << 16 |
         static_cast<uint32_t>(static_cast<uint8_t>(d)) << 24;
}

inline constexpr Fourcc kGrey = MakeFourcc('G', 'R', 'E', 'Y');
inline constexpr Fourcc kY16 = MakeFourcc('Y', '1', '6', ' ');
inline constexpr Fourcc kYuyv = MakeFourcc('Y', 'U', 'Y', 'V');
inline constexpr Fourcc kRgb3 = MakeFourcc('R', 'G', 'B', '3');
inline constexpr Fourcc kBgr3 = MakeFourcc('B', 'G', 'R', '3');
inline constexpr Fourcc kBgr4 = MakeFourcc('B', 'G', 'R', '4');
inline constexpr Fourcc kXr24 = MakeFourcc('X', 'R', '2', '4');
inline constexpr Fourcc kNv12 = MakeFourcc('N', 'V', '1', '2');
// The planar formats of YUV4MPEG2 streams.
inline constexpr Fourcc kYu12 = MakeFourcc('Y', 'U', '1', '2');    // 4:2:0, planes Y Cb Cr
inline constexpr Fourcc k422p = MakeFourcc('4', '2', '2', 'P');    // 4:2:2, planes Y Cb Cr
inline constexpr Fourcc kYuv444 = MakeFourcc('4', '4', '4', 'P');  // 4:4:4, planes Y Cb Cr (ours)
// One colour of each pixel, in rows of two colours each by turns, named in the order of the first
// two rows; 10 and 12 bits in the low bits of two bytes, little-endian.
inline constexpr Fourcc kSbggr8 = MakeFourcc('B', 'A', '8', '1');
inline constexpr Fourcc kSgbrg8 = MakeFourcc('G', 'B', 'R', 'G');
inline constexpr Fourcc kSgrbg8 = MakeFourcc('G', 'R', 'B', 'G');
inline constexpr Fourcc kSrggb8 = MakeFourcc('R', 'G', 'G', 'B');
inline constexpr Fourcc kSbggr10 = MakeFourcc('B', 'G', '1', '0');
inline constexpr Fourcc kSgbrg10 = MakeFourcc('G', 'B', '1', '0');
inline constexpr Fourcc kSgrbg10 = MakeFourcc('B', 'A', '1', '0');
inline constexpr Fourcc kSrggb10 = MakeFourcc('R', 'G', '1', '0');
inline constexpr Fourcc kSbggr12 = MakeFourcc('B', 'G', '1', '2');
inline constexpr Fourcc kSgbrg12 = MakeFourcc('G', 'B', '1', '2');
inline constexpr Fourcc kSgrbg12 = MakeFourcc('B', 'A', '1', '2');
inline constexpr Fourcc kSrggb12 = MakeFourcc('R', 'G', '1', '2');

struct PixelFormat {
  Fourcc fourcc;
  std::string_view name;         // as shown and accepted in text; trailing blanks removed ("Y16")
  std::string_view description;  // for people
  uint32_t pixel_bytes;          // bytes of one pixel in the first plane
  uint32_t bits_per_pixel;       // over all planes
  uint32_t width_multiple;       // widths must be a multiple of it
  uint32_t height_multiple;
};

// All known formats, in the order in which they are offered.
std::span<const PixelFormat> PixelFormats();
// nullptr when unknown.
const PixelFormat* FindPixelFormat(Fourcc fourcc);
// By name, case-sensitive ("GREY", "Y16"); nullptr when unknown.
const PixelFormat* FindPixelFormat(std::string_view name);
// "GREY BGR4 ...": for messages.
std::string PixelFormatNames();

// What the numbers of a picture mean as colours: V4L2's enums v4l2_colorspace, v4l2_xfer_func,
// v4l2_ycbcr_encoding and v4l2_quantization. 0: not known, or the usual one of the colour space.
struct Colorimetry {
  uint8_t colorspace = 0;
  uint8_t transfer = 0;
  uint8_t encoding = 0;
  uint8_t quantization = 0;
  friend bool operator==(const Colorimetry&, const Colorimetry&) = default;
};

// One frame in memory: first row first, rows `stride` bytes apart, planes back to back.
struct FrameFormat {
  Fourcc fourcc = 0;
  uint32_t width = 0;   // pixels
  uint32_t height = 0;  // rows
  uint32_t stride = 0;  // bytes from a row of the first plane to the next
  uint64_t bytes = 0;   // of the whole image, all planes; of compressed ones the most it can take
  Colorimetry color = {};

  // The fourcc as text.
  [[nodiscard]] std::string name() const;
  friend bool operator==(const FrameFormat&, const FrameFormat&) = default;
};

inline constexpr uint32_t kMinDimension = 16;
inline constexpr uint32_t kMaxDimension = 16384;

// A frame without padding between rows. Throws Error(EINVAL) that names the offending value and
// the allowed ones: unknown fourcc, width or height out of 16...16384 or odd.
FrameFormat MakeFrameFormat(Fourcc fourcc, uint32_t width, uint32_t height);

// Any four bytes as text, trailing blanks removed. Codes with bit 31 set mean big-endian pixels and
// end in "-BE", as in v4l-utils.
std::string FourccName(Fourcc fourcc);
// The code of such a text, known or not; nullopt: it is none.
std::optional<Fourcc> ParseFourcc(std::string_view name);

}  // namespace grabfs
