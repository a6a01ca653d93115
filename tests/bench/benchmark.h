// SPDX-License-Identifier: Apache-2.0
//
// What a benchmark is: a function that measures grabfs against something on the same machine in
// the same run, and returns rows of the table of results. The figures are ratios wherever possible:
// they mean the same on a laptop and on a server.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/scratch.h"

namespace grabfs::bench {

// What a figure should be.
struct Target {
  enum class Kind { kAtMost, kAtLeast };
  Kind kind;
  double limit;

  [[nodiscard]] bool Met(double value) const {
    return kind == Kind::kAtMost ? value <= limit : value >= limit;
  }
};

inline Target AtMost(double limit) { return {Target::Kind::kAtMost, limit}; }
inline Target AtLeast(double limit) { return {Target::Kind::kAtLeast, limit}; }

struct Row {
  std::string what;
  double value;
  std::string unit;  // "x" for a ratio
  std::optional<Target> target;
  std::string detail;  // both sides in absolute terms, for people

  [[nodiscard]] bool Missed() const { return target && !target->Met(value); }
};

// What every benchmark is given.
struct Context {
  Scratch& scratch;
  std::string grabfs;  // the daemon's program file
  int pairs;           // measurements of each side
  bool quick;          // a short run that proves the benchmark rather than the figures
};

struct Benchmark {
  std::string_view name;
  std::vector<Row> (*run)(const Context& context);
};

}  // namespace grabfs::bench
