// SPDX-License-Identifier: Apache-2.0
//
// Text and time of frame rates, in integers only: a schedule made of floating point numbers drifts.
#include "fusefs/base/rate.h"

#include <cerrno>
#include <charconv>
#include <limits>
#include <numeric>

#include "fusefs/base/clock.h"
#include "fusefs/base/error.h"

namespace grabfs {
namespace {

// Digits after the point, and of each number of a fraction: more would not change the rate, and
// with these none of the products below overflows.
constexpr size_t kMaxDecimals = 9;
constexpr size_t kMaxDigits = 10;

// Products of times and frame counts pass 64 bits long before the results do.
__extension__ using Wide = unsigned __int128;

[[noreturn]] void Refuse(std::string_view text, const std::string& why) {
  throw Error(EINVAL, "rate " + std::string(text) + ": " + why);
}

[[noreturn]] void RefuseSyntax(std::string_view text) {
  Refuse(text, "must be 0 (as fast as possible) or frames per second like 30, 29.97 or 30000/1001");
}

uint64_t ParseDigits(std::string_view digits, std::string_view text) {
  uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (digits.size() > kMaxDigits || error != std::errc() || stop != end) RefuseSyntax(text);
  return value;
}

Rate Reduce(uint64_t numerator, uint64_t denominator, std::string_view text) {
  if (denominator == 0) Refuse(text, "the denominator must not be 0");
  if (numerator > denominator * Rate::kMax) {
    Refuse(text, "more than " + std::to_string(Rate::kMax) + " frames per second");
  }
  const uint64_t divisor = std::gcd(numerator, denominator);
  numerator /= divisor;
  denominator /= divisor;
  constexpr uint64_t kLimit = std::numeric_limits<uint32_t>::max();
  if (numerator > kLimit || denominator > kLimit) Refuse(text, "too many digits");
  return {static_cast<uint32_t>(numerator), static_cast<uint32_t>(denominator)};
}

Rate ParseDecimal(std::string_view text, size_t point) {
  const std::string_view decimals = text.substr(point + 1);
  if (decimals.size() > kMaxDecimals) Refuse(text, "too many digits");
  uint64_t denominator = 1;
  for (size_t i = 0; i < decimals.size(); ++i) denominator *= 10;
  const uint64_t whole = ParseDigits(text.substr(0, point), text);
  const uint64_t part = ParseDigits(decimals, text);
  if (whole > Rate::kMax)
    Refuse(text, "more than " + std::to_string(Rate::kMax) + " frames per second");
  return Reduce(whole * denominator + part, denominator, text);
}

// The power of ten that `denominator` divides, as its number of zeros; -1: there is none.
int DecimalPlaces(uint32_t denominator) {
  uint64_t power = 1;
  for (int places = 0; places <= static_cast<int>(kMaxDecimals); ++places, power *= 10) {
    if (power % denominator == 0) return places;
  }
  return -1;
}

std::string DecimalText(uint64_t scaled, size_t places) {
  std::string text = std::to_string(scaled);
  if (text.size() <= places) text.insert(0, places + 1 - text.size(), '0');
  return text.insert(text.size() - places, 1, '.');
}

}  // namespace

Rate Rate::Parse(std::string_view text) {
  if (text.starts_with('-')) Refuse(text, "must not be negative");
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    return Reduce(ParseDigits(text.substr(0, slash), text),
                  ParseDigits(text.substr(slash + 1), text), text);
  }
  if (const size_t point = text.find('.'); point != std::string_view::npos) {
    return ParseDecimal(text, point);
  }
  return Reduce(ParseDigits(text, text), 1, text);
}

std::string Rate::ToString() const {
  if (denominator == 1) return std::to_string(numerator);
  const int places = DecimalPlaces(denominator);
  if (places < 0) return std::to_string(numerator) + "/" + std::to_string(denominator);
  uint64_t power = 1;
  for (int i = 0; i < places; ++i) power *= 10;
  return DecimalText(numerator * (power / denominator), static_cast<size_t>(places));
}

uint64_t Rate::DueNs(uint64_t n) const {
  return static_cast<uint64_t>(Wide{n} * denominator * kNsPerSecond / numerator);
}

uint64_t Rate::DueBefore(uint64_t ns) const {
  const Wide interval = Wide{denominator} * kNsPerSecond;  // of `numerator` frames
  return static_cast<uint64_t>((Wide{ns} * numerator + interval - 1) / interval);
}

}  // namespace grabfs
