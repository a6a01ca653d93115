// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/names.h"

#include <charconv>

namespace grabfs {
namespace {

constexpr std::string_view kSuffix = ".raw";
constexpr size_t kFrameDigits = 8;
constexpr size_t kBufferDigits = 3;

std::string Numbered(uint64_t number, size_t digits) {
  std::string text = std::to_string(number);
  if (text.size() < digits) text.insert(0, digits - text.size(), '0');
  return text.append(kSuffix);
}

std::optional<uint64_t> ParseNumbered(std::string_view name, size_t digits) {
  uint64_t number = 0;
  const auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (status != std::errc() || Numbered(number, digits) != name) return std::nullopt;
  return number;
}

}  // namespace

std::string FrameName(uint64_t sequence) { return Numbered(sequence, kFrameDigits); }

std::string BufferName(uint32_t slot) { return Numbered(slot, kBufferDigits); }

std::optional<uint64_t> ParseFrameName(std::string_view name) {
  return ParseNumbered(name, kFrameDigits);
}

std::optional<uint32_t> ParseBufferName(std::string_view name) {
  const auto number = ParseNumbered(name, kBufferDigits);
  if (!number || *number > UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

}  // namespace grabfs
