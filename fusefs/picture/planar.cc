// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/planar.h"

#include <libyuv.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/picture/bayer.h"
#include "fusefs/picture/image.h"
#include "fusefs/picture/jpeg.h"
#include "fusefs/picture/samples.h"

namespace grabfs {
namespace {

using Input = ComponentRows<const uint8_t>;
using Output = ComponentRows<uint8_t>;
using Inputs = std::array<Input, 3>;
using Outputs = std::array<Output, 3>;

// libyuv's numbers are int.
int Int(size_t number) { return static_cast<int>(number); }

// --- Samples that only move. The output has no padding, so its planes give the number of samples.

// Samples of two bytes whose bits or order differ from the output.
void MoveWords(uint32_t padding_bits, const Input& in, const Output& out) {
  for (uint32_t y = 0; y < out.count; ++y) {
    const uint8_t* from = in.at(y);
    uint8_t* const begin = out.at(y);
    for (uint8_t* to = begin; to != begin + out.stride; to += 2, from += in.step) {
      const uint32_t sample = (from[0] | from[1] << 8U) >> padding_bits;
      to[0] = static_cast<uint8_t>(sample);
      to[1] = static_cast<uint8_t>(sample >> 8);
    }
  }
}

void MovePlane(uint32_t padding_bits, const Input& in, const Output& out) {
  if (in.step != out.step || padding_bits > 0) return MoveWords(padding_bits, in, out);
  libyuv::CopyPlane(in.start, Int(in.stride), out.start, Int(out.stride), Int(out.stride),
                    Int(out.count));
}

// Cb and Cr by turns, of one byte each.
void SplitChroma(const Input& cb, const Input& cr, Output out_cb, Output out_cr) {
  if (cb.start > cr.start) std::swap(out_cb, out_cr);
  libyuv::SplitUVPlane(std::min(cb.start, cr.start), Int(cb.stride), out_cb.start,
                       Int(out_cb.stride), out_cr.start, Int(out_cr.stride), Int(out_cb.stride),
                       Int(out_cb.count));
}

// Luma and chroma by turns, of one byte each: YUYV and the other orders of the four.
void Unpack(const Inputs& in, Outputs out) {
  const auto& [luma, cb, cr] = in;
  if (cb.start > cr.start) std::swap(out[1], out[2]);
  const uint8_t* const chroma = std::min(cb.start, cr.start);
  (luma.start < chroma ? libyuv::YUY2ToI422 : libyuv::UYVYToI422)(
      std::min(luma.start, chroma), Int(luma.stride), out[0].start, Int(out[0].stride),
      out[1].start, Int(out[1].stride), out[2].start, Int(out[2].stride), Int(out[0].stride),
      Int(out[0].count));
}

void MoveSamples(const PixelFormat& pixel, const Inputs& in, const Outputs& out) {
  const bool bytes = pixel.sample_bytes() == 1;
  if (bytes && in[0].step == 2) return Unpack(in, out);
  MovePlane(pixel.padding_bits, in[0], out[0]);
  if (pixel.family == PixelFamily::kGreyscale) return;
  if (bytes && in[1].step == 2) return SplitChroma(in[1], in[2], out[1], out[2]);
  MovePlane(pixel.padding_bits, in[1], out[1]);
  MovePlane(pixel.padding_bits, in[2], out[2]);
}

// --- Colours that become YCbCr

// libyuv names formats by the word they are on a little-endian machine: its ARGB lies in memory as
// B G R A, its RGB24 as B G R, its RAW as R G B.
constexpr size_t kArgbBytes = 4;

// Row after row: `to_argb(y, argb)` makes one.
template <typename ToArgb>
void RowsToPlanar(const FrameFormat& f, const Outputs& out, ToArgb to_argb) {
  std::vector<uint8_t> argb(f.width * kArgbBytes);
  const int stride = Int(argb.size());
  const auto& [luma, cb, cr] = out;
  for (uint32_t y = 0; y < f.height; ++y) {
    to_argb(y, argb.data());
    libyuv::ARGBToI444(argb.data(), stride, luma.at(y), stride, cb.at(y), stride, cr.at(y), stride,
                       Int(f.width), 1);
  }
}

void RgbToPlanar(const PixelFormat& pixel, const FrameFormat& f, const uint8_t* image,
                 const Outputs& out) {
  const auto& [red, green, blue] = pixel.components;
  const int width = Int(f.width);
  const int stride = Int(f.stride);
  const bool three_bytes = red.step == 3;
  const auto to_argb = red.offset == 0 ? libyuv::RAWToARGB : libyuv::RGB24ToARGB;
  // Which byte of four pixels goes where.
  std::array<uint8_t, 16> shuffler;
  for (uint8_t i = 0; i < shuffler.size(); i += 4) {
    const auto last = static_cast<uint8_t>(6 - red.offset - green.offset - blue.offset);
    const std::array<uint8_t, 4> order = {blue.offset, green.offset, red.offset, last};
    for (uint8_t k = 0; k < 4; ++k) shuffler[i + k] = static_cast<uint8_t>(i + order[k]);
  }
  RowsToPlanar(f, out, [&](uint32_t y, uint8_t* argb) {
    const uint8_t* in = image + uint64_t{y} * f.stride;
    if (three_bytes) {
      to_argb(in, stride, argb, width * 4, width, 1);
    } else {
      libyuv::ARGBShuffle(in, stride, argb, width * 4, shuffler.data(), width, 1);
    }
  });
}

void BayerToPlanar(const PixelFormat& pixel, const FrameFormat& f, std::span<const uint8_t> pixels,
                   const Outputs& out) {
  Demosaicer demosaicer(f, pixels);
  const uint32_t surplus = pixel.bits - 8U;
  RowsToPlanar(f, out, [&](uint32_t, uint8_t* argb) {
    const auto rgb = demosaicer.NextRow();
    for (size_t i = 0; i < rgb.size(); i += 3, argb += kArgbBytes) {
      argb[0] = static_cast<uint8_t>(rgb[i + 2] >> surplus);
      argb[1] = static_cast<uint8_t>(rgb[i + 1] >> surplus);
      argb[2] = static_cast<uint8_t>(rgb[i] >> surplus);
    }
  });
}

void JpegToPlanar(const FrameFormat& f, std::span<const uint8_t> jpeg, const Outputs& out) {
  const Image image = Convert(f, jpeg, Colours::kAsTheyAre);
  const int stride = Int(image.row_bytes());
  RowsToPlanar(f, out, [&](uint32_t y, uint8_t* argb) {
    libyuv::RAWToARGB(&image.samples[y * image.row_bytes()], stride, argb, Int(f.width) * 4,
                      Int(f.width), 1);
  });
}

bool HaveTheSameSamples(const PixelFormat& a, const PixelFormat& b) {
  return a.family == b.family && a.bits == b.bits && a.chroma == b.chroma;
}

}  // namespace

std::optional<FrameFormat> PlanarFormat(const FrameFormat& f) {
  const PixelFormat* const pixel = FindPixelFormat(f.fourcc);
  if (pixel == nullptr && !(IsJpeg(f.fourcc) && CanConvert(f))) return std::nullopt;
  if (pixel == nullptr || pixel->family == PixelFamily::kRgb ||
      pixel->family == PixelFamily::kBayer) {
    return PackedFormat(kYuv444, f.width, f.height);
  }
  for (const PixelFormat& known : PixelFormats()) {
    if (known.planar() && HaveTheSameSamples(known, *pixel)) {
      return PackedFormat(known.fourcc, f.width, f.height);
    }
  }
  return std::nullopt;
}

void ToPlanar(const FrameFormat& f, std::span<const std::byte> pixels, std::span<std::byte> out) {
  const auto to = PlanarFormat(f);
  if (!to) throw Error(EINVAL, "pixel format '" + f.name() + "' cannot be made planar");
  if (!IsWhole(f, pixels.size()) || out.size() < to->bytes) {
    throw Error(EINVAL, std::to_string(pixels.size()) + " bytes are no whole " + f.name() +
                            " image, or there is no room for it");
  }
  const auto* const image = reinterpret_cast<const uint8_t*>(pixels.data());
  const auto rows = RowsOf(*to, reinterpret_cast<uint8_t*>(out.data()));
  if (IsJpeg(f.fourcc)) return JpegToPlanar(f, {image, pixels.size()}, rows);
  const PixelFormat& pixel = *FindPixelFormat(f.fourcc);
  if (pixel.family == PixelFamily::kBayer) {
    BayerToPlanar(pixel, f, {image, pixels.size()}, rows);
  } else if (pixel.family == PixelFamily::kRgb) {
    RgbToPlanar(pixel, f, image, rows);
  } else {
    MoveSamples(pixel, RowsOf(f, image), rows);
  }
}

}  // namespace grabfs
