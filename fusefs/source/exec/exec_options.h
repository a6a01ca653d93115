// SPDX-License-Identifier: Apache-2.0
//
// The keys of the source `exec`, and whether its program may be run at all.
#pragma once

#include <cstdint>
#include <optional>

#include "fusefs/base/clock.h"
#include "fusefs/source/exec/keeper.h"
#include "fusefs/source/source.h"

namespace grabfs {

// How long a program may be silent, if nothing is given.
inline constexpr uint64_t kDefaultTimeoutNs = 10 * kNsPerSecond;

struct ExecOptions {
  // When a program that has ended is started again.
  enum class Restart { kAlways, kOnFailure, kNever };

  KeeperOrder order;
  Restart restart = Restart::kAlways;
  // After how long a silent program counts as hanging; 0: never; nullopt: not given.
  std::optional<uint64_t> timeout_ns;
};

// As users write it.
const char* RestartName(ExecOptions::Restart restart);

// Takes user, restart and timeout out of `spec`, whose argument is the program. Throws Error: EPERM
// for a program that others can change while this daemon is root, and for a daemon that is
// set-user-ID; EINVAL.
ExecOptions TakeExecOptions(SourceSpec& spec);

}  // namespace grabfs
