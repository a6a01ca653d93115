// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/planar.h"

#include <libyuv.h>

#include <cerrno>
#include <cstdint>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/picture/bayer.h"
#include "fusefs/picture/image.h"

namespace grabfs {
namespace {

// One image: where its planes begin, and how far apart their rows are.
template <typename Byte>
struct Planes {
  Byte* y;
  Byte* cb;
  Byte* cr;
  int stride;
  int chroma_stride;
};

template <typename Byte>
Planes<Byte> PlanesOf(const FrameFormat& f, Byte* start) {
  const uint64_t luma = uint64_t{f.stride} * f.height;
  const uint32_t chroma_stride = f.fourcc == kYuv444 ? f.stride : f.stride / 2;
  const uint64_t chroma = uint64_t{chroma_stride} * (f.fourcc == kYu12 ? f.height / 2 : f.height);
  return {start, start + luma, start + luma + chroma, static_cast<int>(f.stride),
          static_cast<int>(chroma_stride)};
}

// Rows of `width` bytes.
void CopyRows(const uint8_t* in, int in_stride, uint8_t* out, int out_stride, int width,
              int height) {
  libyuv::CopyPlane(in, in_stride, out, out_stride, width, height);
}

void CopyPlanes(const FrameFormat& f, const uint8_t* in, const FrameFormat& to, uint8_t* out) {
  const auto from = PlanesOf(f, in);
  const auto into = PlanesOf(to, out);
  const int rows = static_cast<int>(f.height);
  CopyRows(from.y, from.stride, into.y, into.stride, into.stride, rows);
  if (f.fourcc == kGrey || f.fourcc == kY16) return;
  const int chroma_rows = f.fourcc == kYu12 ? rows / 2 : rows;
  CopyRows(from.cb, from.chroma_stride, into.cb, into.chroma_stride, into.chroma_stride,
           chroma_rows);
  CopyRows(from.cr, from.chroma_stride, into.cr, into.chroma_stride, into.chroma_stride,
           chroma_rows);
}

// libyuv names formats by the word they are on a little-endian machine: its ARGB lies in memory as
// B G R A, its RGB24 as B G R, its RAW as R G B.
using ToArgb = int (*)(const uint8_t* in, int in_stride, uint8_t* out, int out_stride, int width,
                       int height);

void RgbToPlanar(const uint8_t* in, int in_stride, ToArgb to_argb, const FrameFormat& to,
                 uint8_t* out) {
  const auto into = PlanesOf(to, out);
  const int width = static_cast<int>(to.width);
  std::vector<uint8_t> argb(size_t{to.width} * 4);
  for (uint32_t row = 0; row < to.height; ++row) {
    to_argb(in + uint64_t{row} * static_cast<uint32_t>(in_stride), in_stride, argb.data(),
            width * 4, width, 1);
    const uint64_t at = uint64_t{row} * to.stride;
    libyuv::ARGBToI444(argb.data(), width * 4, into.y + at, into.stride, into.cb + at, into.stride,
                       into.cr + at, into.stride, width, 1);
  }
}

// Without the less significant byte of each sample.
void KeepHighBytes(Image& image) {
  for (size_t i = 0; i < image.samples.size() / 2; ++i) image.samples[i] = image.samples[2 * i];
}

void BayerToPlanar(const FrameFormat& f, std::span<const uint8_t> pixels, const FrameFormat& to,
                   uint8_t* out) {
  Image rgb = Demosaic(f, pixels);
  if (rgb.bits == 16) KeepHighBytes(rgb);
  RgbToPlanar(rgb.samples.data(), static_cast<int>(f.width * 3), libyuv::RAWToARGB, to, out);
}

}  // namespace

std::optional<Fourcc> PlanarFourcc(Fourcc fourcc) {
  switch (fourcc) {
    case kGrey:
    case kY16:
    case kYu12:
    case k422p:
    case kYuv444:
      return fourcc;
    case kNv12:
      return kYu12;
    case kYuyv:
      return k422p;
    case kRgb3:
    case kBgr3:
    case kBgr4:
    case kXr24:
      return kYuv444;
    default:
      return IsBayer(fourcc) ? std::optional(kYuv444) : std::nullopt;
  }
}

void ToPlanar(const FrameFormat& f, std::span<const std::byte> pixels, std::span<std::byte> out) {
  const auto planar = PlanarFourcc(f.fourcc);
  if (!planar) throw Error(EINVAL, "pixel format '" + f.name() + "' cannot be made planar");
  const FrameFormat to = MakeFrameFormat(*planar, f.width, f.height);
  if (pixels.size() < f.bytes || out.size() < to.bytes) {
    throw Error(EINVAL, std::to_string(pixels.size()) + " bytes are no whole " + f.name() +
                            " image, or there is no room for it");
  }
  const auto* const in = reinterpret_cast<const uint8_t*>(pixels.data());
  auto* const to_bytes = reinterpret_cast<uint8_t*>(out.data());
  const auto into = PlanesOf(to, to_bytes);
  const int stride = static_cast<int>(f.stride);
  const int width = static_cast<int>(f.width);
  const int height = static_cast<int>(f.height);
  switch (f.fourcc) {
    case kNv12:
      libyuv::NV12ToI420(in, stride, in + uint64_t{f.stride} * f.height, stride, into.y,
                         into.stride, into.cb, into.chroma_stride, into.cr, into.chroma_stride,
                         width, height);
      break;
    case kYuyv:
      libyuv::YUY2ToI422(in, stride, into.y, into.stride, into.cb, into.chroma_stride, into.cr,
                         into.chroma_stride, width, height);
      break;
    case kRgb3:
      RgbToPlanar(in, stride, libyuv::RAWToARGB, to, to_bytes);
      break;
    case kBgr3:
      RgbToPlanar(in, stride, libyuv::RGB24ToARGB, to, to_bytes);
      break;
    case kBgr4:
    case kXr24:
      RgbToPlanar(in, stride, libyuv::ARGBCopy, to, to_bytes);
      break;
    default:
      if (IsBayer(f.fourcc)) {
        BayerToPlanar(f, {in, pixels.size()}, to, to_bytes);
      } else {
        CopyPlanes(f, in, to, to_bytes);
      }
  }
}

}  // namespace grabfs
