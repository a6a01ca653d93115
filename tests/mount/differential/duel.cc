// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/duel.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "fusefs/base/error.h"

namespace grabfs::differential {
namespace {

std::string Results(int64_t subject, int64_t oracle) {
  return NameOfResult(subject) + ", but on tmpfs " + NameOfResult(oracle);
}

std::optional<std::string> CompareData(std::span<const std::byte> subject,
                                       std::span<const std::byte> oracle) {
  const auto [ours, theirs] = std::ranges::mismatch(subject, oracle);
  if (ours == subject.end() && theirs == oracle.end()) return std::nullopt;
  if (ours == subject.end() || theirs == oracle.end()) {
    return std::to_string(subject.size()) + " bytes, but on tmpfs " + std::to_string(oracle.size());
  }
  return "byte " + std::to_string(ours - subject.begin()) + " is " +
         std::to_string(std::to_integer<int>(*ours)) + ", but on tmpfs " +
         std::to_string(std::to_integer<int>(*theirs));
}

std::optional<std::string> Compare(const Outcome& subject, const Outcome& oracle) {
  if (subject.result != oracle.result) return Results(subject.result, oracle.result);
  return CompareData(subject.data, oracle.data);
}

}  // namespace

SizeLimit::SizeLimit(uint64_t bytes) { Set(bytes); }

SizeLimit::~SizeLimit() { Set(RLIM_INFINITY); }

void SizeLimit::Set(uint64_t bytes) {
  const rlimit limit{bytes, RLIM_INFINITY};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

Duel::Duel(const Stage& stage)
    : stage_(stage),
      subject_(stage.subject, stage.setting.file_bytes),
      oracle_(stage.oracle, stage.setting.file_bytes) {
  // Before there are mappings with holes, in which the rings might come to lie.
  subject_.Ring();
  oracle_.Ring();
}

Duel::Result Duel::Fight(const Operation& scripted) {
  const Operation operation = Adapted(scripted, stage_.setting);
  if (Untried(operation, stage_.setting)) return {.succeeded = true, .mismatch = std::nullopt};
  const Outcome subject = stage_.performer(subject_, operation);
  const SizeLimit limit(stage_.setting.file_bytes);
  Result result{subject.result >= 0, std::nullopt};
  const Difference* const difference = FindDifference(operation, stage_.setting, subject.result);
  if (!difference) {
    result.mismatch = Compare(subject, Perform(oracle_, operation));
    return result;
  }
  const Outcome oracle = Perform(oracle_, difference->instead(operation, stage_.setting));
  AlignPositions();
  if (!difference->agrees(operation, subject.result, oracle.result)) {
    result.mismatch =
        Results(subject.result, oracle.result) + " (" + std::string(difference->name) + ")";
  }
  return result;
}

// A write that ended otherwise has left its descriptor elsewhere.
void Duel::AlignPositions() {
  for (int64_t place = 0; place < int64_t{kDescriptors}; place++) {
    const off_t position = ::lseek(subject_.Descriptor(place), 0, SEEK_CUR);
    if (position >= 0) ::lseek(oracle_.Descriptor(place), position, SEEK_SET);
  }
}

std::string NameOfResult(int64_t result) {
  if (result >= 0) return std::to_string(result);
  if (result <= -kSignalBase) {
    const char* const name = ::sigabbrev_np(static_cast<int>(-kSignalBase - result));
    return std::string("SIG") + (name ? name : "?");
  }
  const char* const name = ::strerrorname_np(static_cast<int>(-result));
  return name ? name : std::to_string(result);
}

}  // namespace grabfs::differential
