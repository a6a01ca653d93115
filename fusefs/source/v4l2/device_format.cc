// SPDX-License-Identifier: Apache-2.0
//
// Formats, sizes and rates of a V4L2 device.
#include <algorithm>
#include <cerrno>
#include <numeric>

#include "fusefs/base/error.h"
#include "fusefs/source/v4l2/device.h"

namespace grabfs {
namespace {

// A limit, because some drivers never end an enumeration.
constexpr uint32_t kMostEntries = 1024;

Colorimetry ColorOf(const v4l2_pix_format& pix) {
  return {.colorspace = static_cast<uint8_t>(pix.colorspace),
          .transfer = static_cast<uint8_t>(pix.xfer_func),
          .encoding = static_cast<uint8_t>(pix.ycbcr_enc),
          .quantization = static_cast<uint8_t>(pix.quantization)};
}

V4l2Format FromKernel(const v4l2_format& format) {
  if (!V4L2_TYPE_IS_MULTIPLANAR(format.type)) {
    const v4l2_pix_format& pix = format.fmt.pix;
    return {.fourcc = pix.pixelformat,
            .width = pix.width,
            .height = pix.height,
            .field = pix.field,
            .color = ColorOf(pix),
            .planes = {{.bytes = pix.sizeimage, .stride = pix.bytesperline}}};
  }
  const v4l2_pix_format_mplane& pix = format.fmt.pix_mp;
  V4l2Format result{.fourcc = pix.pixelformat,
                    .width = pix.width,
                    .height = pix.height,
                    .field = pix.field,
                    .color = {.colorspace = static_cast<uint8_t>(pix.colorspace),
                              .transfer = pix.xfer_func,
                              .encoding = pix.ycbcr_enc,
                              .quantization = pix.quantization}};
  const size_t planes = std::min<size_t>(pix.num_planes, VIDEO_MAX_PLANES);
  for (size_t i = 0; i < planes; ++i) {
    result.planes.push_back(
        {.bytes = pix.plane_fmt[i].sizeimage, .stride = pix.plane_fmt[i].bytesperline});
  }
  return result;
}

// Sizes of planes are left to the driver.
v4l2_format ToKernel(uint32_t type, const V4l2Format& wanted) {
  v4l2_format format = {};
  format.type = type;
  if (V4L2_TYPE_IS_MULTIPLANAR(type)) {
    format.fmt.pix_mp.pixelformat = wanted.fourcc;
    format.fmt.pix_mp.width = wanted.width;
    format.fmt.pix_mp.height = wanted.height;
    format.fmt.pix_mp.field = wanted.field;
  } else {
    format.fmt.pix.pixelformat = wanted.fourcc;
    format.fmt.pix.width = wanted.width;
    format.fmt.pix.height = wanted.height;
    format.fmt.pix.field = wanted.field;
  }
  return format;
}

V4l2Sizes SizesOf(const v4l2_frmsizeenum& entry) {
  if (entry.type == V4L2_FRMSIZE_TYPE_DISCRETE) {
    const auto [width, height] = entry.discrete;
    return {.min_width = width, .max_width = width, .min_height = height, .max_height = height};
  }
  const v4l2_frmsize_stepwise& range = entry.stepwise;
  return {.min_width = range.min_width,
          .max_width = range.max_width,
          .step_width = std::max(range.step_width, 1U),
          .min_height = range.min_height,
          .max_height = range.max_height,
          .step_height = std::max(range.step_height, 1U)};
}

// A time between frames as a rate; "unknown" if it cannot be a rate.
Rate RateOf(const v4l2_fract& interval) {
  if (interval.numerator == 0 || interval.denominator == 0) return {};
  const uint32_t common = std::gcd(interval.numerator, interval.denominator);
  return {.numerator = interval.denominator / common, .denominator = interval.numerator / common};
}

bool Faster(const Rate& a, const Rate& b) {
  return uint64_t{a.numerator} * b.denominator > uint64_t{b.numerator} * a.denominator;
}

}  // namespace

bool V4l2Sizes::Has(uint32_t width, uint32_t height) const {
  return width >= min_width && width <= max_width && (width - min_width) % step_width == 0 &&
         height >= min_height && height <= max_height && (height - min_height) % step_height == 0;
}

std::vector<V4l2Encoding> V4l2Device::Encodings() const {
  std::vector<V4l2Encoding> encodings;
  while (encodings.size() < kMostEntries) {
    v4l2_fmtdesc entry = {};
    entry.type = type_;
    entry.index = static_cast<uint32_t>(encodings.size());
    if (Try(VIDIOC_ENUM_FMT, &entry) != 0) break;
    encodings.push_back({entry.pixelformat, (entry.flags & V4L2_FMT_FLAG_COMPRESSED) != 0});
  }
  return encodings;
}

std::vector<V4l2Sizes> V4l2Device::Sizes(Fourcc fourcc) const {
  std::vector<V4l2Sizes> sizes;
  while (sizes.size() < kMostEntries) {
    v4l2_frmsizeenum entry = {};
    entry.index = static_cast<uint32_t>(sizes.size());
    entry.pixel_format = fourcc;
    if (Try(VIDIOC_ENUM_FRAMESIZES, &entry) != 0) break;
    sizes.push_back(SizesOf(entry));
    if (entry.type != V4L2_FRMSIZE_TYPE_DISCRETE) break;
  }
  return sizes;
}

std::vector<Rate> V4l2Device::Rates(const V4l2Format& format) const {
  std::vector<Rate> rates;
  for (uint32_t index = 0; index < kMostEntries; ++index) {
    v4l2_frmivalenum entry = {};
    entry.index = index;
    entry.pixel_format = format.fourcc;
    entry.width = format.width;
    entry.height = format.height;
    if (Try(VIDIOC_ENUM_FRAMEINTERVALS, &entry) != 0) break;
    const bool discrete = entry.type == V4L2_FRMIVAL_TYPE_DISCRETE;
    rates.push_back(RateOf(discrete ? entry.discrete : entry.stepwise.min));
    if (discrete) continue;
    rates.push_back(RateOf(entry.stepwise.max));
    break;
  }
  std::erase_if(rates, [](const Rate& rate) { return rate.unlimited(); });
  std::ranges::sort(rates, Faster);
  return rates;
}

V4l2Format V4l2Device::GetFormat() const {
  v4l2_format format = {};
  format.type = type_;
  Do("format", VIDIOC_G_FMT, &format);
  return FromKernel(format);
}

V4l2Format V4l2Device::TryFormat(const V4l2Format& wanted) const {
  v4l2_format format = ToKernel(type_, wanted);
  const int code = Try(VIDIOC_TRY_FMT, &format);
  // The driver has no TRY_FMT: S_FMT will show what it makes of it.
  if (code == ENOTTY) return wanted;
  if (code != 0) Throw("format", code);
  return FromKernel(format);
}

V4l2Format V4l2Device::SetFormat(const V4l2Format& wanted) {
  v4l2_format format = ToKernel(type_, wanted);
  Do("format", VIDIOC_S_FMT, &format);
  return FromKernel(format);
}

std::optional<Rate> V4l2Device::GetRate() const {
  v4l2_streamparm parameters = {};
  parameters.type = type_;
  const int code = Try(VIDIOC_G_PARM, &parameters);
  if (code == ENODEV) Throw("rate", code);
  if (code != 0) return std::nullopt;
  if ((parameters.parm.capture.capability & V4L2_CAP_TIMEPERFRAME) == 0) return std::nullopt;
  return RateOf(parameters.parm.capture.timeperframe);
}

Rate V4l2Device::SetRate(Rate rate) {
  v4l2_streamparm parameters = {};
  parameters.type = type_;
  parameters.parm.capture.timeperframe = {.numerator = rate.denominator,
                                          .denominator = rate.numerator};
  Do("rate", VIDIOC_S_PARM, &parameters);
  return RateOf(parameters.parm.capture.timeperframe);
}

}  // namespace grabfs
