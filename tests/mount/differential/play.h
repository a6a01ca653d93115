// SPDX-License-Identifier: Apache-2.0
//
// Plays a script: actors, which are threads of several processes, perform its operations one after
// the other, each first on the files of grabfs, the subject, and then on their twins on tmpfs, the
// oracle. Both must have the same outcome. The order is the script's, whoever the actors are, so
// the outcome of every operation is defined although nobody waits for locks.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/mount/differential/difference.h"
#include "tests/mount/differential/script.h"
#include "tests/mount/differential/side.h"

namespace grabfs::differential {

// How the subject performs; another one than Perform() is a deliberately wrong file system.
using Performer = Outcome (*)(Side& side, const Operation& operation);
Outcome Perform(Side& side, const Operation& operation);
// For files in the page cache of FUSE: when a write reaches past the end, the kernel forgets what
// mappings have stored in the last page since it was synchronized, and will forget what they store
// there until it has been dropped. So it is synchronized before, and dropped afterwards.
Outcome PerformOnCachedFile(Side& side, const Operation& operation);
// For files that are passed through: the kernel does not splice from descriptors open for writing,
// EINVAL, and the operation is performed once more, from a descriptor with O_DIRECT.
Outcome PerformOnPassedThroughFile(Side& side, const Operation& operation);

struct Stage {
  Paths subject;
  Paths oracle;
  Setting setting;
  Performer performer = Perform;
  std::chrono::seconds patience{60};  // with one operation
};

// Operations of a verb, and how many of them the subject performed without an error.
struct Tally {
  uint64_t performed = 0;
  uint64_t succeeded = 0;
};

struct Mismatch {
  size_t place = 0;  // of the operation in the script
  std::string what;
};

struct Played {
  std::optional<Mismatch> mismatch;
  std::vector<Tally> tallies;  // in the order of Verbs()
};

// Writes the script's noise to all files, and plays. Throws Error when the files cannot be written.
Played Play(const Script& script, const Stage& stage);

}  // namespace grabfs::differential
