// SPDX-License-Identifier: Apache-2.0
//
// The operations that are tried on both sides: one table tells their names, their arguments, how
// often they are drawn, and the function that performs them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tests/mount/differential/domain.h"

namespace grabfs::differential {

class Side;

// Processes, each with threads of its own, that operate on the files: an actor is one thread.
inline constexpr unsigned kProcesses = 2;
inline constexpr unsigned kThreads = 2;  // in each process
inline constexpr unsigned kActors = kProcesses * kThreads;

inline constexpr size_t kMaxArguments = 6;
using Arguments = std::array<int64_t, kMaxArguments>;

// What came of an operation. Valid until the next one on the same side.
struct Outcome {
  // As the system call returned it, -errno when it failed; see SignalResult().
  int64_t result = 0;
  // What it delivered.
  std::span<const std::byte> data;
};

// The result of an access to memory that a signal ended.
constexpr int64_t kSignalBase = 1000;
constexpr int64_t SignalResult(int signal) { return -kSignalBase - signal; }

struct Parameter {
  std::string_view name;
  const Domain* domain;
};

struct Verb {
  std::string_view name;
  unsigned weight;  // how often, against the others
  std::vector<Parameter> parameters;
  Outcome (*perform)(Side& side, const Arguments& arguments);
};

const std::vector<Verb>& Verbs();
// nullptr when there is none of this name.
const Verb* FindVerb(std::string_view name);

struct Operation {
  unsigned actor = 0;
  bool forked = false;  // performed by a child that the actor forks for it
  const Verb* verb = nullptr;
  Arguments arguments{};

  bool operator==(const Operation&) const = default;
};

// The argument of this name; 0 when the operation has none.
int64_t Argument(const Operation& operation, std::string_view name);
// The same, of an operation that has one.
int64_t& MutableArgument(Operation& operation, std::string_view name);

}  // namespace grabfs::differential
