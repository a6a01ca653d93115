// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/mutants.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "tests/mount/differential/duel.h"

namespace grabfs::differential {
namespace {

bool Is(const Operation& operation, std::string_view name) { return operation.verb->name == name; }

// A write that spans pages says that it wrote its last byte, and did not.
Outcome LosesTheTail(Side& side, const Operation& operation) {
  Operation changed = operation;
  int64_t& length = changed.arguments[1];
  if (!Is(operation, "pwrite") || length <= kPageBytes) return PerformRightly(side, operation);
  length--;
  Outcome outcome = PerformRightly(side, changed);
  if (outcome.result == length) outcome.result++;
  return outcome;
}

// A mapping has pages of its own once it is written, as with a page cache that nobody keeps in
// step.
Outcome MapsCopies(Side& side, const Operation& operation) {
  Operation changed = operation;
  if (Is(operation, "mmap") && operation.arguments[5] == MAP_SHARED) {
    changed.arguments[5] = MAP_PRIVATE;
  }
  return PerformRightly(side, changed);
}

// The wrong error.
Outcome MistakesErrors(Side& side, const Operation& operation) {
  Outcome outcome = PerformRightly(side, operation);
  if (Is(operation, "lseek") && outcome.result == -ENXIO) outcome.result = -EINVAL;
  return outcome;
}

// A read by a forked child does not move the position that it shares with its parent.
Outcome ForgetsPositions(Side& side, const Operation& operation) {
  const int fd = operation.forked ? side.Descriptor(operation.arguments[0]) : -1;
  const off_t before = ::lseek(fd, 0, SEEK_CUR);
  const Outcome outcome = PerformRightly(side, operation);
  if (Is(operation, "read") && before >= 0) ::lseek(fd, before, SEEK_SET);
  return outcome;
}

Outcome Crashes(Side& side, const Operation& operation) {
  if (Is(operation, "fsync") && side.Descriptor(operation.arguments[0]) >= 0) ::raise(SIGKILL);
  return PerformRightly(side, operation);
}

constexpr Mutant kMutants[] = {
    {"loses the tail of writes", LosesTheTail},
    {"maps copies", MapsCopies},
    {"mistakes errors", MistakesErrors},
    {"forgets positions", ForgetsPositions},
    {"crashes in fsync", Crashes},
};

}  // namespace

Outcome PerformRightly(Side& side, const Operation& operation) {
  const SizeLimit limit(side.file_bytes());
  Operation changed = operation;
  if (Is(operation, "open") || Is(operation, "reopen")) changed.arguments[2] &= ~int64_t{O_TRUNC};
  if (!Is(operation, "truncate") && !Is(operation, "ftruncate")) return Perform(side, changed);
  int64_t& size = changed.arguments[1];
  if (size < 0 || size == static_cast<int64_t>(side.file_bytes())) return Perform(side, changed);
  size = static_cast<int64_t>(side.file_bytes());
  Outcome outcome = Perform(side, changed);
  if (outcome.result == 0) outcome.result = -EPERM;
  return outcome;
}

Outcome NeverReturn(Side& /*side*/, const Operation& /*operation*/) {
  for (;;) ::pause();
}

std::span<const Mutant> Mutants() { return kMutants; }

}  // namespace grabfs::differential
