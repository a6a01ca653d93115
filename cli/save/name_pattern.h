// SPDX-License-Identifier: Apache-2.0
//
// File names with the sequence number of a frame in them: "shot-%06d.png".
#pragma once

#include <cstdint>
#include <string>

namespace grabfs::cli {

// A number as printf("%*d") and, with `fill` '0', as printf("%0*d") has it.
std::string PaddedNumber(uint64_t number, size_t width, char fill);

class NamePattern {
 public:
  // At most one %d, %Nd or %0Nd; %% is a percent sign. Throws UsageError for anything else.
  explicit NamePattern(const std::string& pattern);

  // Does the name depend on the sequence number?
  [[nodiscard]] bool varies() const { return varies_; }
  [[nodiscard]] std::string Expand(uint64_t sequence) const;

 private:
  // Takes "06d" and the like off the front of `rest`.
  void TakeNumber(std::string& rest);

  std::string before_;
  std::string after_;
  bool varies_ = false;
  char fill_ = ' ';
  uint64_t width_ = 0;
};

}  // namespace grabfs::cli
