// SPDX-License-Identifier: Apache-2.0
//
// The pixel format table and the arithmetic of frame sizes.
#include "fusefs/base/pixel_format.h"

#include <algorithm>
#include <cerrno>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

constexpr Fourcc kBigEndian = 1U << 31;
constexpr std::string_view kBigEndianSuffix = "-BE";

// Sizes are even for every format, also where the layout would allow odd ones: programs that read
// frames may then subsample without a special case at the border.
constexpr uint32_t kDimensionMultiple = 2;

constexpr Subsampling k420 = {1, 1};
constexpr Subsampling k422 = {1, 0};
constexpr Subsampling k444 = {};

using enum PixelFamily;

#define GRABFS_LAYOUT(name, p0, o0, s0, p1, o1, s1, p2, o2, s2) \
  constexpr Components k##name = {{{p0, o0, s0}, {p1, o1, s1}, {p2, o2, s2}}};
#define GRABFS_FORMAT(...)
#include "fusefs/base/pixel_formats.inc"

constexpr PixelFormat kFormats[] = {
#define GRABFS_LAYOUT(...)
#define GRABFS_FORMAT(name, description, family, bits, layout, chroma, padding, red_x, red_y) \
  {name, description, k##family, bits, k##layout, k##chroma, padding, red_x, red_y},
#include "fusefs/base/pixel_formats.inc"
};

template <typename Predicate>
const PixelFormat* FindIf(Predicate predicate) {
  const auto* const found = std::ranges::find_if(kFormats, predicate);
  return found == std::end(kFormats) ? nullptr : found;
}

void CheckDimension(const char* what, uint32_t value) {
  if (value >= kMinDimension && value <= kMaxDimension && value % kDimensionMultiple == 0) return;
  throw Error(EINVAL, std::string(what) + " " + std::to_string(value) + ": must be a multiple of " +
                          std::to_string(kDimensionMultiple) + " from " +
                          std::to_string(kMinDimension) + " to " + std::to_string(kMaxDimension));
}

// Samples for so many pixels, of which 2^shift share one.
constexpr uint32_t Shared(uint32_t pixels, uint32_t shift) {
  return (pixels + (1U << shift) - 1) >> shift;
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
  if (FindPixelFormat(fourcc) == nullptr) {
    throw Error(EINVAL,
                "format " + FourccName(fourcc) + ": unknown; known are " + PixelFormatNames());
  }
  CheckDimension("width", width);
  CheckDimension("height", height);
  return PackedFormat(fourcc, width, height);
}

FrameFormat PackedFormat(Fourcc fourcc, uint32_t width, uint32_t height) {
  const PixelFormat& pixel = *FindPixelFormat(fourcc);
  // Chroma that lies between the luma makes whole groups of pixels.
  const bool packed_chroma = pixel.components[1].plane == 0;
  const uint32_t shift = packed_chroma ? pixel.chroma.x_shift : 0;
  const uint32_t stride = (Shared(width, shift) << shift) * pixel.components[0].step;
  return {.fourcc = fourcc,
          .width = width,
          .height = height,
          .stride = stride,
          .bytes = PlanesOf(pixel, stride, height).back().end()};
}

Planes PlanesOf(const PixelFormat& pixel, uint32_t stride, uint32_t height) {
  Planes planes = {{{.stride = stride, .rows = height}}};
  const uint32_t luma_step = pixel.components[0].step;
  const uint32_t columns = (stride + luma_step - 1) / luma_step;
  for (const Component& component : pixel.components) {
    if (component.plane == 0) continue;
    planes[component.plane].stride = Shared(columns, pixel.chroma.x_shift) * component.step;
    planes[component.plane].rows = Shared(height, pixel.chroma.y_shift);
  }
  for (size_t i = 1; i < planes.size(); ++i) planes[i].offset = planes[i - 1].end();
  return planes;
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
  const Fourcc fourcc = MakeFourcc(name);
  return big_endian ? fourcc | kBigEndian : fourcc;
}

}  // namespace grabfs
