// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/xattr.h"

#include <algorithm>

namespace grabfs {
namespace {

struct Xattr {
  std::string_view name;
  std::string (*print)(const FrameFormat& format, const FrameInfo& info);
};

constexpr Xattr kXattrs[] = {
    {"user.grabfs.sequence",
     [](const FrameFormat&, const FrameInfo& info) { return std::to_string(info.sequence); }},
    {"user.grabfs.timestamp_ns",
     [](const FrameFormat&, const FrameInfo& info) { return std::to_string(info.timestamp_ns); }},
    {"user.grabfs.format",
     [](const FrameFormat& format, const FrameInfo&) { return format.name(); }},
    {"user.grabfs.width",
     [](const FrameFormat& format, const FrameInfo&) { return std::to_string(format.width); }},
    {"user.grabfs.height",
     [](const FrameFormat& format, const FrameInfo&) { return std::to_string(format.height); }},
    {"user.grabfs.stride",
     [](const FrameFormat& format, const FrameInfo&) { return std::to_string(format.stride); }},
    {"user.grabfs.bytes_used",
     [](const FrameFormat&, const FrameInfo& info) { return std::to_string(info.bytes_used); }},
    {"user.grabfs.flags",
     [](const FrameFormat&, const FrameInfo& info) { return std::to_string(info.flags); }},
    {"user.grabfs.dropped",
     [](const FrameFormat&, const FrameInfo& info) { return std::to_string(info.dropped); }},
};

}  // namespace

const std::string& FrameXattrNames() {
  static const std::string names = [] {
    std::string all;
    for (const Xattr& xattr : kXattrs) all.append(xattr.name).push_back('\0');
    return all;
  }();
  return names;
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
  for (const Xattr& xattr : kXattrs) all.emplace(xattr.name, xattr.print(format, info));
  return all;
}

}  // namespace grabfs
