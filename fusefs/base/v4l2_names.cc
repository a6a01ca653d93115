// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/v4l2_names.h"

#include <linux/videodev2.h>

#include <algorithm>
#include <span>
#include <string_view>

namespace grabfs {
namespace {

struct Entry {
  uint32_t number;
  std::string_view name;
};

constexpr Entry kFields[] = {
    {V4L2_FIELD_NONE, "none"},
    {V4L2_FIELD_TOP, "top"},
    {V4L2_FIELD_BOTTOM, "bottom"},
    {V4L2_FIELD_INTERLACED, "interlaced"},
    {V4L2_FIELD_SEQ_TB, "seq-tb"},
    {V4L2_FIELD_SEQ_BT, "seq-bt"},
    {V4L2_FIELD_ALTERNATE, "alternate"},
    {V4L2_FIELD_INTERLACED_TB, "interlaced-tb"},
    {V4L2_FIELD_INTERLACED_BT, "interlaced-bt"},
};

constexpr Entry kColorspaces[] = {
    {V4L2_COLORSPACE_SMPTE170M, "smpte170m"}, {V4L2_COLORSPACE_SMPTE240M, "smpte240m"},
    {V4L2_COLORSPACE_REC709, "rec709"},       {V4L2_COLORSPACE_470_SYSTEM_M, "470m"},
    {V4L2_COLORSPACE_470_SYSTEM_BG, "470bg"}, {V4L2_COLORSPACE_JPEG, "jpeg"},
    {V4L2_COLORSPACE_SRGB, "srgb"},           {V4L2_COLORSPACE_OPRGB, "oprgb"},
    {V4L2_COLORSPACE_BT2020, "bt2020"},       {V4L2_COLORSPACE_RAW, "raw"},
    {V4L2_COLORSPACE_DCI_P3, "dci-p3"},
};

constexpr Entry kTransfers[] = {
    {V4L2_XFER_FUNC_709, "709"},
    {V4L2_XFER_FUNC_SRGB, "srgb"},
    {V4L2_XFER_FUNC_OPRGB, "oprgb"},
    {V4L2_XFER_FUNC_SMPTE240M, "smpte240m"},
    {V4L2_XFER_FUNC_NONE, "none"},
    {V4L2_XFER_FUNC_DCI_P3, "dci-p3"},
    {V4L2_XFER_FUNC_SMPTE2084, "smpte2084"},
};

constexpr Entry kEncodings[] = {
    {V4L2_YCBCR_ENC_601, "601"},
    {V4L2_YCBCR_ENC_709, "709"},
    {V4L2_YCBCR_ENC_XV601, "xv601"},
    {V4L2_YCBCR_ENC_XV709, "xv709"},
    {V4L2_YCBCR_ENC_BT2020, "bt2020"},
    {V4L2_YCBCR_ENC_BT2020_CONST_LUM, "bt2020-const-lum"},
    {V4L2_YCBCR_ENC_SMPTE240M, "smpte240m"},
    {V4L2_HSV_ENC_180, "hsv-180"},
    {V4L2_HSV_ENC_256, "hsv-256"},
};

constexpr Entry kQuantizations[] = {
    {V4L2_QUANTIZATION_FULL_RANGE, "full"},
    {V4L2_QUANTIZATION_LIM_RANGE, "limited"},
};

std::optional<std::string> NameIn(std::span<const Entry> entries, uint32_t number) {
  const auto found = std::ranges::find(entries, number, &Entry::number);
  return found == entries.end() ? std::nullopt : std::optional(std::string(found->name));
}

}  // namespace

std::optional<std::string> V4l2FieldName(uint32_t field) { return NameIn(kFields, field); }

std::optional<std::string> V4l2ColorspaceName(uint32_t colorspace) {
  return NameIn(kColorspaces, colorspace);
}

std::optional<std::string> V4l2TransferName(uint32_t transfer) {
  return NameIn(kTransfers, transfer);
}

std::optional<std::string> V4l2EncodingName(uint32_t encoding) {
  return NameIn(kEncodings, encoding);
}

std::optional<std::string> V4l2QuantizationName(uint32_t quantization) {
  return NameIn(kQuantizations, quantization);
}

std::string V4l2ClockName(uint32_t flags) {
  const uint32_t type = flags & V4L2_BUF_FLAG_TIMESTAMP_MASK;
  const bool start = (flags & V4L2_BUF_FLAG_TSTAMP_SRC_MASK) == V4L2_BUF_FLAG_TSTAMP_SRC_SOE;
  const std::string clock = type == V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC ? "monotonic"
                            : type == V4L2_BUF_FLAG_TIMESTAMP_COPY    ? "copy"
                                                                      : "unknown";
  return clock + (start ? ", start of exposure" : ", end of frame");
}

}  // namespace grabfs
