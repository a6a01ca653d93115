// SPDX-License-Identifier: Apache-2.0
//
// The results as a table for people and as JSON for programs.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "tests/bench/benchmark.h"

namespace grabfs::bench {

// On what the figures were measured.
struct Machine {
  std::string version;  // of grabfs
  std::string kernel;
  std::string processor;
  unsigned cpus = 0;
  std::string data_path;
  std::string data_path_reason;
};

// What one benchmark came to: its rows, or why there are none.
struct Result {
  std::string benchmark;
  std::vector<Row> rows;
  std::string failure;
};

struct Report {
  Machine machine;
  bool quick = false;
  std::vector<Result> results;

  [[nodiscard]] bool Failed() const;
  [[nodiscard]] bool Missed() const;
};

void PrintHeading(const Machine& machine, std::ostream& out);
void PrintResult(const Result& result, std::ostream& out);
void PrintJson(const Report& report, std::ostream& out);

}  // namespace grabfs::bench
