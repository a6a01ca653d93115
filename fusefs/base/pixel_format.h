// SPDX-License-Identifier: Apache-2.0
//
// The table of pixel formats, and the geometry of a frame in memory. A row of the table describes
// the bytes of a picture; code that converts, paints or shows pixels interprets the row and never
// asks for a fourcc. Names and byte layouts are V4L2's ("Image Formats" in the V4L2 specification)
// where it has the format. No pixels are converted here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace grabfs {

// A V4L2 four-character code, least significant byte first.
using Fourcc = uint32_t;

// Of one to four characters; blanks follow a shorter name, as in V4L2 ("Y16").
constexpr Fourcc MakeFourcc(std::string_view name) {
  Fourcc fourcc = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    fourcc |= static_cast<Fourcc>(static_cast<uint8_t>(i < name.size() ? name[i] : ' ')) << 8 * i;
  }
  return fourcc;
}

// For code that makes or tests frames of one format. A row of the table needs none.
inline constexpr Fourcc kGrey = MakeFourcc("GREY");
inline constexpr Fourcc kY16 = MakeFourcc("Y16");
inline constexpr Fourcc kYuyv = MakeFourcc("YUYV");
inline constexpr Fourcc kRgb3 = MakeFourcc("RGB3");
inline constexpr Fourcc kBgr3 = MakeFourcc("BGR3");
inline constexpr Fourcc kBgr4 = MakeFourcc("BGR4");
inline constexpr Fourcc kXr24 = MakeFourcc("XR24");
inline constexpr Fourcc kNv12 = MakeFourcc("NV12");
inline constexpr Fourcc kYu12 = MakeFourcc("YU12");
inline constexpr Fourcc k422p = MakeFourcc("422P");
inline constexpr Fourcc kYuv444 = MakeFourcc("444P");

enum class PixelFamily : uint8_t {
  kGreyscale,  // one component
  kRgb,        // R, G, B
  kYuv,        // Y, Cb, Cr
  kBayer,      // one component, whose colour differs from pixel to pixel
};

// Where the samples of a component lie.
struct Component {
  uint8_t plane;
  uint8_t offset;  // bytes from the start of a row to its first sample
  uint8_t step;    // bytes from a sample to the next in its row; 0: there is no such component
  friend bool operator==(const Component&, const Component&) = default;
};

// In the order of the family.
using Components = std::array<Component, 3>;

// Log2 of the columns and rows of pixels that share a chroma sample.
struct Subsampling {
  uint8_t x_shift = 0;
  uint8_t y_shift = 0;
  friend bool operator==(const Subsampling&, const Subsampling&) = default;
};

struct PixelFormat {
  std::string_view name;         // as shown and accepted in text: the fourcc without blanks ("Y16")
  std::string_view description;  // for people
  PixelFamily family;
  uint8_t bits;  // of a sample
  Components components;
  Subsampling chroma = {};
  uint8_t padding_bits = 0;  // zeros below a sample in its bytes
  // The column and row of a Bayer format's red pixel in each square of four; blue is diagonal to
  // it.
  uint8_t red_x = 0;
  uint8_t red_y = 0;
  Fourcc fourcc = MakeFourcc(name);

  // 1, or 2 with the less significant byte first.
  [[nodiscard]] constexpr uint32_t sample_bytes() const { return bits > 8 ? 2 : 1; }
  // Is it grey or YCbCr in planes that contain samples and nothing else?
  [[nodiscard]] constexpr bool planar() const {
    const bool grey = family == PixelFamily::kGreyscale;
    const bool split = components[1].plane == 1 && components[2].plane == 2;
    return (grey || split) && padding_bits == 0;
  }
};

// All known formats, in the order in which they are offered.
std::span<const PixelFormat> PixelFormats();
// nullptr when unknown.
const PixelFormat* FindPixelFormat(Fourcc fourcc);
// By name, case-sensitive ("GREY", "Y16"); nullptr when unknown.
const PixelFormat* FindPixelFormat(std::string_view name);
// "GREY BGR4 ...": for messages.
std::string PixelFormatNames();

// Which colours the samples stand for: V4L2's enums v4l2_colorspace, v4l2_xfer_func,
// v4l2_ycbcr_encoding and v4l2_quantization. 0: unknown, or the default of the colour space.
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
  uint64_t bytes = 0;   // of the whole image, all planes; compressed formats: the largest image
  Colorimetry color = {};

  // The fourcc as text.
  [[nodiscard]] std::string name() const;
  friend bool operator==(const FrameFormat&, const FrameFormat&) = default;
};

// One of the planes of an image.
struct Plane {
  uint64_t offset = 0;  // bytes from the start of the image
  uint32_t stride = 0;  // bytes
  uint32_t rows = 0;

  [[nodiscard]] constexpr uint64_t end() const { return offset + uint64_t{stride} * rows; }
};
// Planes that a format does not have are empty.
using Planes = std::array<Plane, 3>;

// `stride`: of the first plane. Where pixels share a chroma sample, the number of chroma samples in
// a row or column is rounded up.
Planes PlanesOf(const PixelFormat& pixel, uint32_t stride, uint32_t height);

inline constexpr uint32_t kMinDimension = 16;
inline constexpr uint32_t kMaxDimension = 16384;

// A frame without padding between rows. Throws Error(EINVAL) that names the offending value and
// the allowed ones: unknown fourcc, width or height out of 16...16384 or odd.
FrameFormat MakeFrameFormat(Fourcc fourcc, uint32_t width, uint32_t height);

// The same without a limit on the size, for sizes that cameras choose.
FrameFormat PackedFormat(Fourcc fourcc, uint32_t width, uint32_t height);

// Any four bytes as text, trailing blanks removed. Codes with bit 31 set mean big-endian pixels and
// end in "-BE", as in v4l-utils.
std::string FourccName(Fourcc fourcc);
// The code of such a text, whether the table has it or not; nullopt: the text is no fourcc.
std::optional<Fourcc> ParseFourcc(std::string_view name);

}  // namespace grabfs
