// SPDX-License-Identifier: Apache-2.0
//
// Parsing of the keys that sources share.
#include "fusefs/source/options.h"

#include <cerrno>
#include <charconv>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

std::optional<uint32_t> TakeNumber(SourceSpec& spec, const std::string& key) {
  const std::optional<std::string> text = TakeOption(spec, key);
  if (!text) return std::nullopt;
  uint32_t number = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || stop != end) {
    throw Error(EINVAL, key + "=" + *text + ": must be a number of pixels");
  }
  return number;
}

std::optional<Fourcc> TakeFourcc(SourceSpec& spec) {
  const std::optional<std::string> name = TakeOption(spec, "format");
  if (!name) return std::nullopt;
  const PixelFormat* format = FindPixelFormat(*name);
  if (format == nullptr) {
    throw Error(EINVAL, "format=" + *name + ": unknown; known are " + PixelFormatNames());
  }
  return format->fourcc;
}

}  // namespace

std::optional<std::string> TakeOption(SourceSpec& spec, const std::string& key) {
  auto node = spec.options.extract(key);
  return node.empty() ? std::nullopt : std::optional(std::move(node.mapped()));
}

FormatRequest TakeFormatOptions(SourceSpec& spec) {
  return {.fourcc = TakeFourcc(spec),
          .width = TakeNumber(spec, "width"),
          .height = TakeNumber(spec, "height")};
}

std::optional<Rate> TakeRateOption(SourceSpec& spec) {
  const std::optional<std::string> text = TakeOption(spec, "rate");
  return text ? std::optional(Rate::Parse(*text)) : std::nullopt;
}

FrameFormat ApplyRequest(const FrameFormat& current, const FormatRequest& request) {
  return MakeFrameFormat(request.fourcc.value_or(current.fourcc),
                         request.width.value_or(current.width),
                         request.height.value_or(current.height));
}

}  // namespace grabfs
