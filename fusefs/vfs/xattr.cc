// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/xattr.h"

#include <linux/videodev2.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "fusefs/base/v4l2_names.h"

namespace grabfs {
namespace {

struct Xattr {
  std::string_view name;
  // nullopt: this frame has none.
  std::optional<std::string> (*print)(const FrameFormat& format, const FrameInfo& info);
};

// These exist for frames of V4L2 devices only.
using MaybeText = std::optional<std::string>;

MaybeText OfDevice(const FrameInfo& info, uint64_t number) {
  return info.origin.received_ns == 0 ? MaybeText() : std::to_string(number);
}

MaybeText Timecode(const FrameInfo& info) {
  if ((info.flags & V4L2_BUF_FLAG_TIMECODE) == 0) return std::nullopt;
  char text[16];
  const uint32_t code = info.origin.timecode;
  std::snprintf(text, sizeof text, "%02u:%02u:%02u:%02u", code >> 24, code >> 16 & 0xff,
                code >> 8 & 0xff, code & 0xff);
  return text;
}

constexpr Xattr kXattrs[] = {
    {"user.grabfs.sequence",
     [](const FrameFormat&, const FrameInfo& info) -> MaybeText {
       return std::to_string(info.sequence);
     }},
    {"user.grabfs.timestamp_ns",
     [](const FrameFormat&, const FrameInfo& info) -> MaybeText {
       return std::to_string(info.timestamp_ns);
     }},
    {"user.grabfs.format",
     [](const FrameFormat& format, const FrameInfo&) -> MaybeText { return format.name(); }},
    {"user.grabfs.width",
     [](const FrameFormat& format, const FrameInfo&) -> MaybeText {
       return std::to_string(format.width);
     }},
    {"user.grabfs.height",
     [](const FrameFormat& format, const FrameInfo&) -> MaybeText {
       return std::to_string(format.height);
     }},
    {"user.grabfs.stride",
     [](const FrameFormat& format, const FrameInfo&) -> MaybeText {
       return std::to_string(format.stride);
     }},
    {"user.grabfs.bytes_used",
     [](const FrameFormat&, const FrameInfo& info) -> MaybeText {
       return std::to_string(info.bytes_used);
     }},
    {"user.grabfs.flags",
     [](const FrameFormat&, const FrameInfo& info) -> MaybeText {
       return std::to_string(info.flags);
     }},
    {"user.grabfs.dropped",
     [](const FrameFormat&, const FrameInfo& info) -> MaybeText {
       return std::to_string(info.dropped);
     }},
    {"user.grabfs.received_ns",
     [](const FrameFormat&, const FrameInfo& info) {
       return OfDevice(info, info.origin.received_ns);
     }},
    {"user.grabfs.device_timestamp_ns",
     [](const FrameFormat&, const FrameInfo& info) {
       return OfDevice(info, info.origin.device_ns);
     }},
    {"user.grabfs.timestamp_clock",
     [](const FrameFormat&, const FrameInfo& info) {
       return info.origin.received_ns == 0 ? MaybeText() : V4l2ClockName(info.flags);
     }},
    {"user.grabfs.field",
     [](const FrameFormat&, const FrameInfo& info) {
       return info.origin.received_ns == 0 ? MaybeText() : V4l2FieldName(info.origin.field);
     }},
    {"user.grabfs.timecode",
     [](const FrameFormat&, const FrameInfo& info) { return Timecode(info); }},
    {"user.grabfs.colorspace",
     [](const FrameFormat& format, const FrameInfo&) {
       return V4l2ColorspaceName(format.color.colorspace);
     }},
    {"user.grabfs.transfer",
     [](const FrameFormat& format, const FrameInfo&) {
       return V4l2TransferName(format.color.transfer);
     }},
    {"user.grabfs.encoding",
     [](const FrameFormat& format, const FrameInfo&) {
       return V4l2EncodingName(format.color.encoding);
     }},
    {"user.grabfs.quantization",
     [](const FrameFormat& format, const FrameInfo&) {
       return V4l2QuantizationName(format.color.quantization);
     }},
};

}  // namespace

std::string FrameXattrNames(const FrameFormat& format, const FrameInfo& info) {
  std::string all;
  for (const Xattr& xattr : kXattrs) {
    if (xattr.print(format, info)) all.append(xattr.name).push_back('\0');
  }
  return all;
}

std::optional<std::string> FrameXattr(std::string_view name, const FrameFormat& format,
                                      const FrameInfo& info) {
  const auto* const it = std::ranges::find(kXattrs, name, &Xattr::name);
  if (it == std::end(kXattrs)) return std::nullopt;
  return it->print(format, info);
}

std::map<std::string, std::string, std::less<>> FrameXattrs(const FrameFormat& format,
                                                            const FrameInfo& info) {
  std::map<std::string, std::string, std::less<>> all;
  for (const Xattr& xattr : kXattrs) {
    if (auto value = xattr.print(format, info)) all.emplace(xattr.name, std::move(*value));
  }
  return all;
}

}  // namespace grabfs
