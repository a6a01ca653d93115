// SPDX-License-Identifier: Apache-2.0
//
// The keys of the source.
#include "fusefs/source/v4l2/v4l2.h"

#include <cerrno>
#include <optional>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/source/options.h"
#include "fusefs/source/v4l2/source.h"

namespace grabfs {
namespace {

std::optional<V4l2Path> TakePath(SourceSpec& spec) {
  const auto name = TakeOption(spec, "io");
  if (!name || *name == "auto") return std::nullopt;
  if (const auto path = ParsePath(*name)) return path;
  throw Error(EINVAL, "io=" + *name + ": use auto, userptr, dmabuf or mmap");
}

// As TakeFormatOptions(), but any fourcc may be one of the device's.
FormatRequest TakeFormat(SourceSpec& spec) {
  const auto name = TakeOption(spec, "format");
  FormatRequest request = TakeFormatOptions(spec);
  if (!name) return request;
  request.fourcc = ParseFourcc(*name);
  if (!request.fourcc) throw Error(EINVAL, "format=" + *name + ": is no four-character code");
  return request;
}

void ApplyControl(SourceSpec& spec, Source& source, const std::string& name) {
  if (const auto value = TakeOption(spec, name)) source.SetControl(name, *value);
}

}  // namespace

std::unique_ptr<Source> MakeV4l2(SourceSpec& spec, std::shared_ptr<V4l2Device> device) {
  const auto path = TakePath(spec);
  const FormatRequest request = TakeFormat(spec);
  const auto rate = TakeRateOption(spec);
  auto source = std::make_unique<V4l2Source>(std::move(device), path);
  // Formats depend on the input and the standard; these are the first two controls.
  for (const auto& control : source->controls()->names()) {
    ApplyControl(spec, *source, control.name);
  }
  if (request.fourcc || request.width || request.height) source->SetFormat(request);
  if (rate) source->SetRate(*rate);
  return source;
}

std::unique_ptr<Source> MakeV4l2(SourceSpec& spec) {
  if (spec.argument.empty()) throw Error(EINVAL, "v4l2: write v4l2:/dev/videoN");
  return MakeV4l2(spec, std::make_shared<V4l2Device>(spec.argument, OpenV4l2Port(spec.argument)));
}

}  // namespace grabfs
