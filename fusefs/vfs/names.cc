// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/names.h"

#include <charconv>

namespace grabfs {
namespace {

constexpr size_t kFrameDigits = 8;
constexpr size_t kBufferDigits = 3;

std::string Numbered(uint64_t number, size_t digits, std::string_view form) {
  std::string text = std::to_string(number);
  if (text.size() < digits) text.insert(0, digits - text.size(), '0');
  return text.append(".").append(form);
}

std::optional<uint64_t> ParseNumbered(std::string_view name, size_t digits, std::string_view form) {
  uint64_t number = 0;
  const auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (status != std::errc() || Numbered(number, digits, form) != name) return std::nullopt;
  return number;
}

}  // namespace

std::string LatestName(std::string_view form) { return "latest." + std::string(form); }

std::string PicturesName(std::string_view form) {
  return std::string(kFramesName) + "." + std::string(form);
}

std::string FrameName(uint64_t sequence, std::string_view form) {
  return Numbered(sequence, kFrameDigits, form);
}

std::string BufferName(uint32_t slot) { return Numbered(slot, kBufferDigits, kRaw); }

std::optional<uint64_t> ParseFrameName(std::string_view name, std::string_view form) {
  return ParseNumbered(name, kFrameDigits, form);
}

std::optional<uint32_t> ParseBufferName(std::string_view name) {
  const auto number = ParseNumbered(name, kBufferDigits, kRaw);
  if (!number || *number > UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

}  // namespace grabfs
