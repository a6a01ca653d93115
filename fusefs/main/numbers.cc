// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/numbers.h"

#include <cerrno>
#include <charconv>
#include <string_view>

#include "fusefs/base/error.h"
#include "fusefs/base/memory_limit.h"

namespace grabfs {

uint32_t ParseUint(const std::string& what, const std::string& text, int base) {
  uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value, base);
  if (text.empty() || status != std::errc() || stop != end) {
    throw Error(EINVAL, what + " '" + text + "' is not a number");
  }
  return value;
}

uint64_t ParseBytes(const std::string& what, const std::string& text) {
  constexpr std::string_view kUnits = "KMGT";
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  const std::string_view unit(stop, static_cast<size_t>(end - stop));
  if (status == std::errc() && unit == "%" && value <= 100) return MachineMemory() / 100 * value;
  const size_t power = unit.empty() ? 0 : kUnits.find(unit) + 1;
  if (status != std::errc() || unit.size() > 1 || power > kUnits.size() ||
      value > UINT64_MAX >> (10 * power)) {
    throw Error(EINVAL, what + "=" + text +
                            ": write bytes, with K, M, G or T, or a percentage of "
                            "the machine's memory: 64M, 2G, 25%");
  }
  return value << (10 * power);
}

}  // namespace grabfs
