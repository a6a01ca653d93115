// SPDX-License-Identifier: Apache-2.0
//
// Small conversions between values and the text that people read and type.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace grabfs::cli {

// "512 B", "8.3 MB": powers of 1000, one decimal.
std::string HumanBytes(uint64_t bytes);

// A number with `decimals` digits behind the point.
std::string Decimal(double value, int decimals);

// "1 frame", "2 frames".
std::string Plural(uint64_t count, const std::string& noun);

std::string Join(const std::vector<std::string>& parts, const std::string& separator);

// Removes blanks and line ends at both ends.
std::string Trim(std::string_view text);

// A decimal number, leading zeros allowed (frame names have them), nothing else around it.
std::optional<uint64_t> ParseCount(std::string_view text);

// A finite decimal number that is not negative.
std::optional<double> ParseSeconds(std::string_view text);

// What follows "no such verb": ": did you mean 'save'?" with the candidate that `word` is likely to
// be, or ";".
std::string Hint(const std::string& word, const std::vector<std::string>& candidates);

// The text with '?' in place of control characters, other than ends of lines and tabs: a terminal
// obeys them, and the text may come from a device or from another user's mount.
std::string Printable(std::string_view text);

// The same with blanks in place of line ends, because messages are single lines, whatever they
// quote.
std::string OneLine(std::string text);

}  // namespace grabfs::cli
