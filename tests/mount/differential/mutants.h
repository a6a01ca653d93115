// SPDX-License-Identifier: Apache-2.0
//
// File systems that are wrong on purpose: tmpfs with one fault each. What does not find them is no
// test. Without a fault they are what grabfs promises: files that do not grow.
#pragma once

#include <span>
#include <string_view>

#include "tests/mount/differential/play.h"

namespace grabfs::differential {

struct Mutant {
  std::string_view name;
  Performer performer;
};

// The one without a fault.
Outcome PerformRightly(Side& side, const Operation& operation);
[[noreturn]] Outcome NeverReturn(Side& side, const Operation& operation);
// Those that go wrong now and then.
std::span<const Mutant> Mutants();

}  // namespace grabfs::differential
