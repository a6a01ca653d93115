// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/difference.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "tests/mount/differential/choices.h"

namespace grabfs::differential {
namespace {

template <typename... Names>
bool Is(const Operation& operation, Names... names) {
  return ((operation.verb->name == names) || ...);
}

bool Same(const Operation& /*operation*/, int64_t subject, int64_t oracle) {
  return subject == oracle;
}
bool OracleCould(const Operation& /*operation*/, int64_t /*subject*/, int64_t oracle) {
  return oracle >= 0;
}
Operation Unchanged(Operation operation, const Setting& /*setting*/) { return operation; }

// --- Writing past the end. The file of tmpfs is kept from growing by RLIMIT_FSIZE.

bool WritesPastTheEnd(const Operation& operation, const Setting& /*setting*/, int64_t subject) {
  return subject == -ENOSPC && Is(operation, "write", "pwrite", "pwritev2", "ring_write", "copy",
                                  "splice_in", "write_from_map");
}

bool MeansTheLimit(const Operation& /*operation*/, int64_t /*subject*/, int64_t oracle) {
  return oracle == -EFBIG;
}

// The limit comes before the source of a copy, which may have nothing at its place, or no such
// place.
bool CopiesNothing(const Operation& operation, const Setting& setting, int64_t subject) {
  return (subject == 0 || subject == -EINVAL) && Is(operation, "copy") &&
         Argument(operation, "target") >= static_cast<int64_t>(setting.file_bytes);
}

bool SameOrTheLimit(const Operation& /*operation*/, int64_t subject, int64_t oracle) {
  return oracle == subject || oracle == -EFBIG;
}

// --- What is sent asynchronously and reaches past the end

bool EndsAsynchronously(const Operation& operation, const Setting& /*setting*/, int64_t subject) {
  return subject == -EIO && Is(operation, "ring_write", "write", "pwrite", "pwritev2",
                               "write_from_map", "copy", "splice_in");
}

bool IsCutShort(const Operation& operation, int64_t /*subject*/, int64_t oracle) {
  // What is copied piece by piece has met the limit then.
  if (Is(operation, "copy", "splice_in") && oracle == -EFBIG) return true;
  return oracle > 0 && oracle < Argument(operation, "length");
}

// --- Memory that cannot be accessed

bool Faults(const Operation& operation, const Setting& /*setting*/, int64_t subject) {
  return subject == -EFAULT && Is(operation, "read_into_map", "write_from_map");
}

bool IsAtTheEnd(const Operation& /*operation*/, int64_t subject, int64_t oracle) {
  return oracle == subject || oracle == 0 || oracle == -EFBIG;
}

// --- Changing the size

bool ChangesTheSize(const Operation& operation, const Setting& setting, int64_t subject) {
  return subject == -EPERM && Is(operation, "truncate", "ftruncate") &&
         Argument(operation, "size") != static_cast<int64_t>(setting.file_bytes);
}

Operation KeepSize(Operation operation, const Setting& setting) {
  MutableArgument(operation, "size") = static_cast<int64_t>(setting.file_bytes);
  return operation;
}

// --- O_TRUNC

bool OpensWithTruncation(const Operation& operation, const Setting& /*setting*/,
                         int64_t /*subject*/) {
  return Is(operation, "open", "reopen") && (Argument(operation, "flags") & O_TRUNC);
}

bool TruncatesToNothing(const Operation& operation, const Setting& /*setting*/, int64_t subject) {
  return subject == 0 && Is(operation, "truncate") && Argument(operation, "size") == 0;
}

Operation OpenWithoutTruncation(Operation operation, const Setting& /*setting*/) {
  MutableArgument(operation, "flags") &= ~int64_t{O_TRUNC};
  return operation;
}

// --- Holes, and room beyond the end

bool AllocatesElsewhere(const Operation& operation, const Setting& /*setting*/, int64_t subject) {
  return (subject == -EOPNOTSUPP || subject == -ENOSPC) && Is(operation, "fallocate");
}

// As far as it lies in the file and makes no hole.
Operation AllocateInTheFile(Operation operation, const Setting& setting) {
  const auto size = static_cast<int64_t>(setting.file_bytes);
  int64_t& mode = MutableArgument(operation, "mode");
  // What tmpfs does not know either is asked as it is.
  constexpr int64_t kHole = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;
  if (mode != kHole && (mode & ~FALLOC_FL_KEEP_SIZE) != 0) return operation;
  mode = FALLOC_FL_KEEP_SIZE;
  MutableArgument(operation, "offset") = std::min(Argument(operation, "offset"), size - 1);
  MutableArgument(operation, "length") = 1;
  return operation;
}

bool CouldOrIsTheSame(const Operation& /*operation*/, int64_t subject, int64_t oracle) {
  return oracle >= 0 || subject == oracle;
}

bool RemovesPages(const Operation& operation, const Setting& /*setting*/, int64_t subject) {
  return subject == -EOPNOTSUPP && Is(operation, "madvise") &&
         Argument(operation, "advice") == MADV_REMOVE;
}

// A part of the range is not mapped: which of both is said first is nobody's promise.
bool CouldOrFoundAGap(const Operation& /*operation*/, int64_t /*subject*/, int64_t oracle) {
  return oracle >= 0 || oracle == -ENOMEM;
}

Operation AdviseNothing(Operation operation, const Setting& /*setting*/) {
  MutableArgument(operation, "advice") = MADV_NORMAL;
  return operation;
}

// --- RWF_NOWAIT

bool MustNotWait(const Operation& operation, const Setting& /*setting*/, int64_t subject) {
  return subject == -EOPNOTSUPP && Is(operation, "preadv2", "pwritev2") &&
         (Argument(operation, "flags") & RWF_NOWAIT);
}

Operation TransferNothing(Operation operation, const Setting& /*setting*/) {
  MutableArgument(operation, "parts") = 0;
  return operation;
}

constexpr Difference kDifferences[] = {
    {"write past the end", WritesPastTheEnd, Unchanged, MeansTheLimit},
    {"write past the end", CopiesNothing, Unchanged, SameOrTheLimit},
    {"direct write across the end", EndsAsynchronously, Unchanged, IsCutShort},
    {"memory that faults", Faults, Unchanged, IsAtTheEnd},
    {"fixed size", ChangesTheSize, KeepSize, OracleCould},
    {"truncation when opened", OpensWithTruncation, OpenWithoutTruncation, Same},
    {"truncation when opened", TruncatesToNothing, KeepSize, OracleCould},
    {"no holes", AllocatesElsewhere, AllocateInTheFile, CouldOrIsTheSame},
    {"no holes", RemovesPages, AdviseNothing, CouldOrFoundAGap},
    {"no RWF_NOWAIT", MustNotWait, TransferNothing, OracleCould},
};

}  // namespace

// The kernel pins no pages of FUSE's page cache for writing, and some versions none of any file.
bool Untried(const Operation& operation, const Setting& setting) {
  return !setting.passthrough && Is(operation, "ring_read_into_map");
}

Operation Adapted(Operation operation, const Setting& setting) {
  if (setting.direct) return operation;
  if (Is(operation, "open", "reopen", "setfl")) {
    MutableArgument(operation, "flags") &= ~int64_t{O_DIRECT};
  } else if (Is(operation, "check") &&
             Argument(operation, "how") == static_cast<int64_t>(Look::kDirect)) {
    MutableArgument(operation, "how") = static_cast<int64_t>(Look::kRead);
  }
  return operation;
}

std::span<const Difference> Differences() { return kDifferences; }

const Difference* FindDifference(const Operation& operation, const Setting& setting,
                                 int64_t subject) {
  for (const Difference& difference : kDifferences) {
    if (difference.concerns(operation, setting, subject)) return &difference;
  }
  return nullptr;
}

}  // namespace grabfs::differential
