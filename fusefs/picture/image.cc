// SPDX-License-Identifier: Apache-2.0
#include "fusefs/picture/image.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/picture/bayer.h"

namespace grabfs {
namespace {

using Pixels = std::span<const uint8_t>;

// --- YCbCr to RGB, in fixed-point numbers with 32 bits behind the point: enough for each of the
// 2^24 possible inputs to round as the exact value does. None of them lies exactly half-way.

constexpr int kFractionBits = 32;

constexpr int64_t Fixed(double value) {
  return static_cast<int64_t>(value * (int64_t{1} << kFractionBits) + (value < 0 ? -0.5 : 0.5));
}

constexpr double kKr = 0.299;
constexpr double kKb = 0.114;
constexpr double kKg = 1 - kKr - kKb;
constexpr double kLumaGain = 255.0 / 219;
constexpr double kChromaGain = 255.0 / 224;

constexpr int64_t kLuma = Fixed(kLumaGain);
constexpr int64_t kRedCr = Fixed(kChromaGain * 2 * (1 - kKr));
constexpr int64_t kBlueCb = Fixed(kChromaGain * 2 * (1 - kKb));
constexpr int64_t kGreenCr = Fixed(-kChromaGain * 2 * (1 - kKr) * kKr / kKg);
constexpr int64_t kGreenCb = Fixed(-kChromaGain * 2 * (1 - kKb) * kKb / kKg);

uint8_t Round(int64_t fixed) {
  constexpr int64_t kHalf = int64_t{1} << (kFractionBits - 1);
  return static_cast<uint8_t>(std::clamp<int64_t>((fixed + kHalf) >> kFractionBits, 0, 255));
}

// Where the samples of a YCbCr format lie, in bytes from the start of the image.
struct YuvLayout {
  uint64_t cb, cr;
  size_t luma_step;  // from a luma sample to the next in its row
  size_t chroma_step;
  size_t chroma_stride;
  uint32_t x_shift, y_shift;  // log2 of the pixels that share a chroma sample
};

std::optional<YuvLayout> LayoutOf(const FrameFormat& f) {
  const uint64_t luma_bytes = uint64_t{f.stride} * f.height;
  const uint32_t half = f.stride / 2;
  switch (f.fourcc) {
    case kYuyv:
      return YuvLayout{1, 3, 2, 4, f.stride, 1, 0};
    case kNv12:
      return YuvLayout{luma_bytes, luma_bytes + 1, 1, 2, f.stride, 1, 1};
    case kYu12:
      return YuvLayout{luma_bytes, luma_bytes + uint64_t{half} * (f.height / 2), 1, 1, half, 1, 1};
    case k422p:
      return YuvLayout{luma_bytes, luma_bytes + uint64_t{half} * f.height, 1, 1, half, 1, 0};
    case kYuv444:
      return YuvLayout{luma_bytes, 2 * luma_bytes, 1, 1, f.stride, 0, 0};
    default:
      return std::nullopt;
  }
}

bool IsYuv(Fourcc fourcc) { return LayoutOf({.fourcc = fourcc}).has_value(); }

void YuvToRgb(const FrameFormat& f, const YuvLayout& layout, Pixels pixels, uint8_t* out) {
  for (uint32_t row = 0; row < f.height; ++row) {
    const uint8_t* luma = &pixels[uint64_t{row} * f.stride];
    const uint64_t chroma_row = (row >> layout.y_shift) * layout.chroma_stride;
    const uint8_t* cb = &pixels[layout.cb + chroma_row];
    const uint8_t* cr = &pixels[layout.cr + chroma_row];
    for (uint32_t x = 0; x < f.width; ++x, out += 3) {
      const size_t chroma = (x >> layout.x_shift) * layout.chroma_step;
      const int64_t y = kLuma * (luma[x * layout.luma_step] - 16);
      const int64_t u = cb[chroma] - 128;
      const int64_t v = cr[chroma] - 128;
      out[0] = Round(y + kRedCr * v);
      out[1] = Round(y + kGreenCb * u + kGreenCr * v);
      out[2] = Round(y + kBlueCb * u);
    }
  }
}

void YuvToGrey(const FrameFormat& f, const YuvLayout& layout, Pixels pixels, uint8_t* out) {
  for (uint32_t row = 0; row < f.height; ++row) {
    const uint8_t* luma = &pixels[uint64_t{row} * f.stride];
    for (uint32_t x = 0; x < f.width; ++x) {
      *out++ = Round(kLuma * (luma[x * layout.luma_step] - 16));
    }
  }
}

// --- RGB

// Where the bytes of a pixel lie.
struct RgbLayout {
  uint32_t pixel_bytes;
  uint32_t red, green, blue;
};

std::optional<RgbLayout> RgbLayoutOf(Fourcc fourcc) {
  switch (fourcc) {
    case kRgb3:
      return RgbLayout{3, 0, 1, 2};
    case kBgr3:
      return RgbLayout{3, 2, 1, 0};
    case kBgr4:
    case kXr24:
      return RgbLayout{4, 2, 1, 0};
    default:
      return std::nullopt;
  }
}

void RgbToRgb(const FrameFormat& f, const RgbLayout& layout, Pixels pixels, uint8_t* out) {
  for (uint32_t row = 0; row < f.height; ++row) {
    const uint8_t* in = &pixels[uint64_t{row} * f.stride];
    for (uint32_t x = 0; x < f.width; ++x, in += layout.pixel_bytes, out += 3) {
      out[0] = in[layout.red];
      out[1] = in[layout.green];
      out[2] = in[layout.blue];
    }
  }
}

uint32_t Weighted(uint32_t red, uint32_t green, uint32_t blue) {
  return (299U * red + 587U * green + 114U * blue + 500) / 1000;
}

void RgbToGrey(const FrameFormat& f, const RgbLayout& layout, Pixels pixels, uint8_t* out) {
  for (uint32_t row = 0; row < f.height; ++row) {
    const uint8_t* in = &pixels[uint64_t{row} * f.stride];
    for (uint32_t x = 0; x < f.width; ++x, in += layout.pixel_bytes) {
      *out++ = static_cast<uint8_t>(Weighted(in[layout.red], in[layout.green], in[layout.blue]));
    }
  }
}

// The weighted sum of a picture of either depth.
Image Desaturated(const Image& rgb) {
  Image grey = {rgb.width, rgb.height, 1, rgb.bits, Bytes(rgb.samples.size() / 3)};
  const size_t sample_bytes = rgb.bits / 8;
  const auto sample = [&](size_t i) {
    const uint8_t* in = &rgb.samples[i * sample_bytes];
    return sample_bytes == 1 ? in[0] : in[0] << 8U | in[1];
  };
  uint8_t* out = grey.samples.data();
  for (size_t i = 0; i < rgb.samples.size() / sample_bytes; i += 3) {
    const uint32_t sum = Weighted(sample(i), sample(i + 1), sample(i + 2));
    if (sample_bytes == 2) *out++ = static_cast<uint8_t>(sum >> 8);
    *out++ = static_cast<uint8_t>(sum);
  }
  return grey;
}

// --- Grey

uint32_t GreyBits(Fourcc fourcc) { return fourcc == kY16 ? 16 : 8; }

// V4L2's Y16 has the less significant byte first; image files want it the other way round.
void GreyToGrey(const FrameFormat& f, Pixels pixels, uint8_t* out) {
  const uint32_t sample_bytes = GreyBits(f.fourcc) / 8;
  for (uint32_t row = 0; row < f.height; ++row) {
    const uint8_t* in = &pixels[uint64_t{row} * f.stride];
    for (uint32_t x = 0; x < f.width; ++x, in += sample_bytes, out += sample_bytes) {
      std::reverse_copy(in, in + sample_bytes, out);
    }
  }
}

// Every sample three times over.
Image Tripled(const Image& grey) {
  Image rgb = {grey.width, grey.height, 3, grey.bits, Bytes(grey.samples.size() * 3)};
  const size_t sample_bytes = grey.bits / 8;
  uint8_t* out = rgb.samples.data();
  for (size_t i = 0; i < grey.samples.size(); i += sample_bytes) {
    for (int channel = 0; channel < 3; ++channel) {
      out = std::copy_n(&grey.samples[i], sample_bytes, out);
    }
  }
  return rgb;
}

// --- All

Image MakeImage(const FrameFormat& f, uint32_t channels, uint32_t bits) {
  Image image = {f.width, f.height, channels, bits, {}};
  image.samples.resize(image.row_bytes() * f.height);
  return image;
}

void RequireWhole(const FrameFormat& f, Pixels pixels) {
  if (!CanConvert(f.fourcc)) {
    throw Error(EINVAL, "pixel format '" + FourccName(f.fourcc) + "' cannot be converted");
  }
  const FrameFormat tight = MakeFrameFormat(f.fourcc, f.width, f.height);
  const uint64_t needed = tight.bytes / tight.stride * f.stride;
  if (f.stride < tight.stride || pixels.size() < needed) {
    throw Error(EINVAL, std::to_string(pixels.size()) + " bytes with a stride of " +
                            std::to_string(f.stride) + " are no whole " + std::to_string(f.width) +
                            "x" + std::to_string(f.height) + " " + f.name() + " image");
  }
}

}  // namespace

void SwapBytes(Image& image) {
  if (image.bits == 8) return;
  for (size_t i = 0; i < image.samples.size(); i += 2) {
    std::swap(image.samples[i], image.samples[i + 1]);
  }
}

bool CanConvert(Fourcc fourcc) {
  return IsGrey(fourcc) || IsBayer(fourcc) || IsYuv(fourcc) || RgbLayoutOf(fourcc);
}

Image ShapeOf(const FrameFormat& f) {
  if (IsGrey(f.fourcc)) return {f.width, f.height, 1, GreyBits(f.fourcc), {}};
  return {f.width, f.height, 3, IsBayer(f.fourcc) ? BayerImageBits(f.fourcc) : 8, {}};
}

bool IsGrey(Fourcc fourcc) { return fourcc == kGrey || fourcc == kY16; }

Image Convert(const FrameFormat& format, Pixels pixels) {
  return IsGrey(format.fourcc) ? ConvertToGrey(format, pixels) : ConvertToRgb(format, pixels);
}

Image ConvertToGrey(const FrameFormat& format, Pixels pixels) {
  if (IsBayer(format.fourcc)) return Desaturated(ConvertToRgb(format, pixels));
  RequireWhole(format, pixels);
  Image image = MakeImage(format, 1, GreyBits(format.fourcc));
  uint8_t* out = image.samples.data();
  if (const auto yuv = LayoutOf(format)) {
    YuvToGrey(format, *yuv, pixels, out);
  } else if (const auto rgb = RgbLayoutOf(format.fourcc)) {
    RgbToGrey(format, *rgb, pixels, out);
  } else {
    GreyToGrey(format, pixels, out);
  }
  return image;
}

Image ConvertToRgb(const FrameFormat& format, Pixels pixels) {
  if (IsGrey(format.fourcc)) return Tripled(ConvertToGrey(format, pixels));
  RequireWhole(format, pixels);
  if (IsBayer(format.fourcc)) return Demosaic(format, pixels);
  Image image = MakeImage(format, 3, 8);
  uint8_t* out = image.samples.data();
  if (const auto yuv = LayoutOf(format)) {
    YuvToRgb(format, *yuv, pixels, out);
  } else if (const auto rgb = RgbLayoutOf(format.fourcc)) {
    RgbToRgb(format, *rgb, pixels, out);
  }
  return image;
}

}  // namespace grabfs
