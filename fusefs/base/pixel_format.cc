// SPDX-License-Identifier: Apache-2.0
//
// The pixel format table and the arithmetic of frame sizes.
#include "fusefs/base/pixel_format.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

constexpr Fourcc kBigEndian = 1U << 31;
constexpr std::string_view kBigEndianSuffix = "-BE";

// Sizes are even for every format, also where the layout would allow odd ones: programs that read
// frames may then subsample without a special case at the border.
constexpr std::array kFormats = {
    PixelFormat{kGrey, "GREY", "8-bit grey", 1, 8, 2, 2},
    PixelFormat{kY16, "Y16", "16-bit grey, little-endian", 2, 16, 2, 2},
    PixelFormat{kYuyv, "YUYV", "YUV 4:2:2, packed Y Cb Y Cr", 2, 16, 2, 2},
    PixelFormat{kRgb3, "RGB3", "24-bit R G B", 3, 24, 2, 2},
    PixelFormat{kBgr3, "BGR3", "24-bit B G R", 3, 24, 2, 2},
    PixelFormat{kBgr4, "BGR4", "32-bit B G R A", 4, 32, 2, 2},
    PixelFormat{kXr24, "XR24", "32-bit B G R X", 4, 32, 2, 2},
    PixelFormat{kNv12, "NV12", "YUV 4:2:0, planes Y and CbCr", 1, 12, 2, 2},
    PixelFormat{kYu12, "YU12", "YUV 4:2:0, planes Y, Cb and Cr", 1, 12, 2, 2},
    PixelFormat{k422p, "422P", "YUV 4:2:2, planes Y, Cb and Cr", 1, 16, 2, 2},
    PixelFormat{kYuv444, "444P", "YUV 4:4:4, planes Y, Cb and Cr", 1, 24, 2, 2},
    PixelFormat{kSbggr8, "BA81", "8-bit Bayer, B G and G R", 1, 8, 2, 2},
    PixelFormat{kSgbrg8, "GBRG", "8-bit Bayer, G B and R G", 1, 8, 2, 2},
    PixelFormat{kSgrbg8, "GRBG", "8-bit Bayer, G R and B G", 1, 8, 2, 2},
    PixelFormat{kSrggb8, "RGGB", "8-bit Bayer, R G and G B", 1, 8, 2, 2},
    PixelFormat{kSbggr10, "BG10", "10-bit Bayer, B G and G R", 2, 16, 2, 2},
    PixelFormat{kSgbrg10, "GB10", "10-bit Bayer, G B and R G", 2, 16, 2, 2},
    PixelFormat{kSgrbg10, "BA10", "10-bit Bayer, G R and B G", 2, 16, 2, 2},
    PixelFormat{kSrggb10, "RG10", "10-bit Bayer, R G and G B", 2, 16, 2, 2},
    PixelFormat{kSbggr12, "BG12", "12-bit Bayer, B G and G R", 2, 16, 2, 2},
    PixelFormat{kSgbrg12, "GB12", "12-bit Bayer, G B and R G", 2, 16, 2, 2},
    PixelFormat{kSgrbg12, "BA12", "12-bit Bayer, G R and B G", 2, 16, 2, 2},
    PixelFormat{kSrggb12, "RG12", "12-bit Bayer, R G and G B", 2, 16, 2, 2},
};

template <typename Predicate>
const PixelFormat* FindIf(Predicate predicate) {
  const auto found = std::find_if(kFormats.begin(), kFormats.end(), predicate);
  return found == kFormats.end() ? nullptr : &*found;
}

void CheckDimension(const char* what, uint32_t value, uint32_t multiple) {
  if (value >= kMinDimension && value <= kMaxDimension && value % multiple == 0) return;
  throw Error(EINVAL, std::string(what) + " " + std::to_string(value) + ": must be a multiple of " +
                          std::to_string(multiple) + " from " + std::to_string(kMinDimension) +
                          " to " + std::to_string(kMaxDimension));
}

}  // namespace

std::span<const PixelFormat> PixelFormats() { return kFormats; }

const PixelFormat* FindPixelFormat(Fourcc fourcc) {
  return FindIf([fourcc](const PixelFormat& format) { return format.fourcc == fourcc; });
}

const PixelFormat* FindPixelFormat(std::string_view name) {
  return FindIf([name](const PixelFormat& format) { return format.name == name; });
}

std::string PixelFormatNames() {
  std::string names;
  for (const PixelFormat& format : kFormats) {
    if (!names.empty()) names += ' ';
    names += format.name;
  }
  return names;
}

std::string FrameFormat::name() const { return FourccName(fourcc); }

FrameFormat MakeFrameFormat(Fourcc fourcc, uint32_t width, uint32_t height) {
  const PixelFormat* pixel = FindPixelFormat(fourcc);
  if (pixel == nullptr) {
    throw Error(EINVAL,
                "format " + FourccName(fourcc) + ": unknown; known are " + PixelFormatNames());
  }
  CheckDimension("width", width, pixel->width_multiple);
  CheckDimension("height", height, pixel->height_multiple);
  return {.fourcc = fourcc,
          .width = width,
          .height = height,
          .stride = width * pixel->pixel_bytes,
          .bytes = uint64_t{width} * height * pixel->bits_per_pixel / 8};
}

std::string FourccName(Fourcc fourcc) {
  std::string name;
  for (int shift = 0; shift < 32; shift += 8) {
    name += static_cast<char>((fourcc & ~kBigEndian) >> shift & 0xff);
  }
  name.erase(name.find_last_not_of(' ') + 1);
  return (fourcc & kBigEndian) != 0 ? name.append(kBigEndianSuffix) : name;
}

std::optional<Fourcc> ParseFourcc(std::string_view name) {
  const bool big_endian = name.ends_with(kBigEndianSuffix);
  if (big_endian) name.remove_suffix(kBigEndianSuffix.size());
  if (name.empty() || name.size() > 4 || name.ends_with(' ')) return std::nullopt;
  if (!std::ranges::all_of(name, [](char c) { return c >= ' ' && c <= '~'; })) return std::nullopt;
  std::string padded(name);
  padded.resize(4, ' ');
  const Fourcc fourcc = MakeFourcc(padded[0], padded[1], padded[2], padded[3]);
  return big_endian ? fourcc | kBigEndian : fourcc;
}

}  // namespace grabfs
