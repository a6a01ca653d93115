// SPDX-License-Identifier: Apache-2.0
//
// One actor's two sides: an operation is performed on both, and the outcomes are compared.
#pragma once

#include <optional>
#include <string>

#include "tests/mount/differential/play.h"
#include "tests/mount/differential/side.h"

namespace grabfs::differential {

// Files do not grow beyond this while it lives, whoever in this process writes: a write that goes
// further ends there, and one that starts there fails with EFBIG.
class SizeLimit {
 public:
  explicit SizeLimit(uint64_t bytes);
  SizeLimit(const SizeLimit&) = delete;
  SizeLimit& operator=(const SizeLimit&) = delete;
  ~SizeLimit();

 private:
  static void Set(uint64_t bytes);
};

class Duel {
 public:
  // `stage` must outlive it.
  explicit Duel(const Stage& stage);

  struct Result {
    bool succeeded = false;  // on the subject's side
    std::optional<std::string> mismatch;
  };
  Result Fight(const Operation& scripted);

 private:
  void AlignPositions();

  const Stage& stage_;
  Side subject_;
  Side oracle_;
};

// A result as a sentence has it: a number, or the name of an error or signal.
std::string NameOfResult(int64_t result);

}  // namespace grabfs::differential
