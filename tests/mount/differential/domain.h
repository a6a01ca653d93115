// SPDX-License-Identifier: Apache-2.0
//
// What an argument of an operation means: how it is drawn at random, and how it is written in a
// script. Flags and choices have the names that the kernel's headers give them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tests/mount/differential/random.h"

namespace grabfs::differential {

inline constexpr unsigned kFiles = 2;        // that every side has
inline constexpr unsigned kDescriptors = 5;  // places for open files of an actor
inline constexpr unsigned kMappings = 3;     // places for mappings of an actor
inline constexpr int64_t kPageBytes = 4096;

struct Name {
  std::string_view name;
  int64_t value;
};

struct Domain {
  enum class Form { kNumber, kChoice, kBits };
  Form form;
  std::span<const Name> names;
  int64_t (*draw)(Random& random, uint64_t file_bytes);
};

extern const Domain kFile, kDescriptor, kMapping, kLength, kOffset, kPosition, kFileSize, kSeed;
extern const Domain kParts, kOpenFlags, kStatusFlags, kWhence, kTransferFlags, kProtection;
extern const Domain kMapFlags, kMoveFlags, kSyncFlags, kMemoryAdvice, kFileAdvice, kAllocateMode;
extern const Domain kLockCommand, kLockType, kFlockMode, kSyncRangeFlags, kSpliceFlags, kPollEvents;
extern const Domain kCopyCall, kLook;

// As ParseValue() reads it: a number, a name, or names and a number joined by '|'.
std::string PrintValue(const Domain& domain, int64_t value);
// Throws std::invalid_argument.
int64_t ParseValue(const Domain& domain, std::string_view text);

}  // namespace grabfs::differential
