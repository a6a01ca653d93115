// SPDX-License-Identifier: Apache-2.0
//
// Many scripts, one seed each, until one fails or enough operations have been performed. A script
// that fails is made short.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/mount/differential/play.h"

namespace grabfs::differential {

inline constexpr size_t kOperationsPerScript = 1500;

struct Failure {
  uint64_t seed = 0;
  Script script;      // the short one
  Mismatch mismatch;  // of the short one
};

struct Campaign {
  uint64_t operations = 0;  // performed
  std::vector<Tally> tallies;
  std::optional<Failure> failure;
};

// At least `operations`, with `first_seed` and the seeds that follow.
Campaign RunCampaign(const Stage& stage, uint64_t first_seed, uint64_t operations);

// The script in question with its seed and mismatch, as something that can be played again.
std::string Describe(const Failure& failure);
// A line for each verb: how many were performed, and how many of them without an error.
std::string Describe(const std::vector<Tally>& tallies);

}  // namespace grabfs::differential
