// SPDX-License-Identifier: Apache-2.0
//
// SOURCE[,key=value...] taken apart. Which keys there are is the business of their users.
#include <algorithm>
#include <cerrno>

#include "fusefs/base/error.h"
#include "fusefs/source/source.h"

namespace grabfs {
namespace {

// Cuts `rest` at the first comma and returns what stands before it.
std::string_view TakeField(std::string_view& rest) {
  const size_t comma = std::min(rest.find(','), rest.size());
  const std::string_view field = rest.substr(0, comma);
  rest.remove_prefix(std::min(comma + 1, rest.size()));
  return field;
}

void AddOption(SourceSpec& spec, std::string_view field) {
  const size_t equals = field.find('=');
  if (equals == 0 || equals == std::string_view::npos) {
    throw Error(EINVAL, "'" + std::string(field) + "' after the source is not key=value");
  }
  const std::string key(field.substr(0, equals));
  if (!spec.options.emplace(key, field.substr(equals + 1)).second) {
    throw Error(EINVAL, "key '" + key + "' is given twice");
  }
}

}  // namespace

SourceSpec ParseSourceSpec(std::string_view text) {
  SourceSpec spec;
  std::string_view rest = text;
  const std::string_view source = TakeField(rest);
  const size_t colon = std::min(source.find(':'), source.size());
  spec.kind = source.substr(0, colon);
  spec.argument = source.substr(std::min(colon + 1, source.size()));
  if (spec.kind.empty()) throw Error(EINVAL, "'" + std::string(text) + "' names no source");

  const bool trailing_comma = text.ends_with(',');
  while (!rest.empty()) AddOption(spec, TakeField(rest));
  if (trailing_comma) AddOption(spec, "");
  return spec;
}

}  // namespace grabfs
