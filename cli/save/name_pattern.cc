// SPDX-License-Identifier: Apache-2.0
#include "cli/save/name_pattern.h"

#include "cli/base/exit_code.h"
#include "cli/base/text.h"

namespace grabfs::cli {
namespace {

// Wider than any sequence number: a larger width can only be a mistake.
constexpr uint64_t kMaxWidth = 20;

}  // namespace

std::string PaddedNumber(uint64_t number, size_t width, char fill) {
  std::string text = std::to_string(number);
  if (text.size() < width) text.insert(0, width - text.size(), fill);
  return text;
}

NamePattern::NamePattern(const std::string& pattern) {
  std::string rest = pattern;
  for (;;) {
    std::string& part = varies_ ? after_ : before_;
    const size_t percent = rest.find('%');
    part += rest.substr(0, percent);
    if (percent == std::string::npos) return;
    rest.erase(0, percent + 1);
    if (rest.starts_with('%')) {
      part += '%';
      rest.erase(0, 1);
    } else if (varies_) {
      throw UsageError(pattern + ": only one %d can be in a file name");
    } else {
      TakeNumber(rest);
    }
  }
}

void NamePattern::TakeNumber(std::string& rest) {
  const size_t end = rest.find_first_not_of("0123456789");
  if (end == std::string::npos || rest[end] != 'd') {
    throw UsageError("%" + rest + ": only %d, %6d, %06d and %% mean something in a file name");
  }
  const std::string digits = rest.substr(0, end);
  rest.erase(0, end + 1);
  varies_ = true;
  if (digits.empty()) return;
  fill_ = digits.front() == '0' ? '0' : ' ';
  width_ = ParseCount(digits).value_or(kMaxWidth + 1);
  if (width_ > kMaxWidth) throw UsageError("%" + digits + "d: too wide for a file name");
}

std::string NamePattern::Expand(uint64_t sequence) const {
  if (!varies_) return before_;
  return before_ + PaddedNumber(sequence, width_, fill_) + after_;
}

}  // namespace grabfs::cli
