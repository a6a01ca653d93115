// SPDX-License-Identifier: Apache-2.0
//
// Values as text.
#include "fusefs/source/v4l2/control.h"

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

std::optional<int64_t> TryParse(std::string_view value) {
  const bool negative = value.starts_with('-');
  if (negative) value.remove_prefix(1);
  const bool hexadecimal = value.starts_with("0x");
  if (hexadecimal) value.remove_prefix(2);
  uint64_t number = 0;
  const auto [end, status] =
      std::from_chars(value.data(), value.data() + value.size(), number, hexadecimal ? 16 : 10);
  if (status != std::errc() || end != value.data() + value.size()) return std::nullopt;
  constexpr auto kLargest = static_cast<uint64_t>(INT64_MAX);
  if (number > kLargest) return std::nullopt;
  return negative ? -static_cast<int64_t>(number) : static_cast<int64_t>(number);
}

}  // namespace

int64_t ParseInteger(const std::string& title, std::string_view value) {
  if (const auto number = TryParse(value)) return *number;
  throw Error(EINVAL, title + ": '" + std::string(value) + "' is no whole number");
}

std::string DescribeChoices(const std::vector<V4l2Choice>& choices) {
  std::string text;
  for (const V4l2Choice& choice : choices) {
    text += "menu " + std::to_string(choice.number) + " " + choice.name + "\n";
  }
  return text;
}

std::string NameOf(const std::vector<V4l2Choice>& choices, int64_t number) {
  const auto found = std::ranges::find(choices, number, &V4l2Choice::number);
  return found == choices.end() ? std::to_string(number) : found->name;
}

int64_t Choose(const std::string& title, const std::vector<V4l2Choice>& choices,
               std::string_view value) {
  const auto by_name = std::ranges::find(choices, value, &V4l2Choice::name);
  if (by_name != choices.end()) return by_name->number;
  if (const auto number = TryParse(value)) {
    const auto by_number = std::ranges::find(choices, *number, &V4l2Choice::number);
    if (by_number != choices.end()) return *number;
  }
  std::string offers;
  for (const V4l2Choice& choice : choices) {
    offers +=
        (offers.empty() ? "" : ", ") + std::to_string(choice.number) + " (" + choice.name + ")";
  }
  throw Error(EINVAL, title + ": '" + std::string(value) + "' is none of " + offers);
}

}  // namespace grabfs
