// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/operation.h"

#include <algorithm>

#include "tests/mount/differential/perform.h"

namespace grabfs::differential {
namespace {

constexpr unsigned kRare = 1;
constexpr unsigned kSometimes = 4;
constexpr unsigned kOften = 12;

constexpr Parameter kFd{"fd", &kDescriptor};
constexpr Parameter kMap{"map", &kMapping};
constexpr Parameter kHowMuch{"length", &kLength};
constexpr Parameter kWhere{"offset", &kPosition};
constexpr Parameter kInMap{"start", &kOffset};
constexpr Parameter kNoise{"seed", &kSeed};
constexpr Parameter kWhichFile{"file", &kFile};

std::vector<Verb> MakeTable() {
  return {
      {"open", kOften, {kFd, kWhichFile, {"flags", &kOpenFlags}}, PerformOpen},
      {"reopen", kSometimes, {kFd, {"from", &kDescriptor}, {"flags", &kOpenFlags}}, PerformReopen},
      {"close", kSometimes, {kFd}, PerformClose},
      {"dup", kSometimes, {kFd, {"from", &kDescriptor}}, PerformDup},
      {"getfl", kRare, {kFd}, PerformGetStatus},
      {"setfl", kSometimes, {kFd, {"flags", &kStatusFlags}}, PerformSetStatus},
      {"lseek", kOften, {kFd, kWhere, {"whence", &kWhence}}, PerformSeek},
      {"fstat", kRare, {kFd}, PerformStat},
      {"poll", kRare, {kFd, {"events", &kPollEvents}}, PerformPoll},
      {"lock",
       kSometimes,
       {kWhichFile, {"command", &kLockCommand}, {"type", &kLockType}, kWhere, kHowMuch},
       PerformRecordLock},
      {"flock", kSometimes, {kWhichFile, {"mode", &kFlockMode}}, PerformFlock},
      {"unlock_by_close", kRare, {kWhichFile}, PerformUnlockByClosing},

      {"read", kSometimes, {kFd, kHowMuch}, PerformRead},
      {"write", kSometimes, {kFd, kHowMuch, kNoise}, PerformWrite},
      {"pread", kOften, {kFd, kHowMuch, kWhere}, PerformPRead},
      {"pwrite", kOften, {kFd, kHowMuch, kWhere, kNoise}, PerformPWrite},
      {"preadv2",
       kOften,
       {kFd, kHowMuch, kWhere, {"parts", &kParts}, {"flags", &kTransferFlags}},
       PerformPReadV2},
      {"pwritev2",
       kOften,
       {kFd, kHowMuch, kWhere, kNoise, {"parts", &kParts}, {"flags", &kTransferFlags}},
       PerformPWriteV2},
      {"ring_read", kRare, {kFd, kHowMuch, kWhere}, PerformRingRead},
      {"ring_write", kRare, {kFd, kHowMuch, kWhere, kNoise}, PerformRingWrite},
      {"fsync", kSometimes, {kFd}, PerformFSync},
      {"fdatasync", kSometimes, {kFd}, PerformFDataSync},
      {"sync_file_range",
       kRare,
       {kFd, kHowMuch, kWhere, {"flags", &kSyncRangeFlags}},
       PerformSyncRange},
      {"fadvise", kSometimes, {kFd, kHowMuch, kWhere, {"advice", &kFileAdvice}}, PerformFileAdvice},
      {"readahead", kRare, {kFd, kHowMuch, kWhere}, PerformReadAhead},
      {"truncate", kRare, {kWhichFile, {"size", &kFileSize}}, PerformTruncate},
      {"ftruncate", kSometimes, {kFd, {"size", &kFileSize}}, PerformFTruncate},
      {"fallocate", kSometimes, {kFd, kHowMuch, kWhere, {"mode", &kAllocateMode}}, PerformAllocate},
      // Not drawn, but added at intervals.
      {"check", 0, {kWhichFile, {"how", &kLook}}, PerformCheck},

      {"mmap",
       kOften,
       {kMap, kFd, kHowMuch, kInMap, {"protection", &kProtection}, {"flags", &kMapFlags}},
       PerformMap},
      {"munmap", kRare, {kMap, kHowMuch, kInMap}, PerformUnmap},
      {"mprotect",
       kSometimes,
       {kMap, kHowMuch, kInMap, {"protection", &kProtection}},
       PerformProtect},
      {"mremap", kSometimes, {kMap, kHowMuch, {"flags", &kMoveFlags}}, PerformResize},
      {"load", kOften, {kMap, kHowMuch, kInMap}, PerformLoad},
      {"store", kOften, {kMap, kHowMuch, kInMap, kNoise}, PerformStore},
      {"msync", kOften, {kMap, kHowMuch, kInMap, {"flags", &kSyncFlags}}, PerformMSync},
      {"madvise",
       kOften,
       {kMap, kHowMuch, kInMap, {"advice", &kMemoryAdvice}},
       PerformMemoryAdvice},
      {"mincore", kRare, {kMap, kInMap}, PerformInCore},
      {"read_into_map", kSometimes, {kFd, kMap, kHowMuch, kInMap, kWhere}, PerformReadIntoMapping},
      {"write_from_map",
       kSometimes,
       {kFd, kMap, kHowMuch, kInMap, kWhere},
       PerformWriteFromMapping},
      {"ring_read_into_map",
       kRare,
       {kFd, kMap, kHowMuch, kInMap, kWhere},
       PerformRingReadIntoMapping},

      {"sendfile", kSometimes, {kFd, kHowMuch, kWhere}, PerformSendFile},
      {"splice_out",
       kSometimes,
       {kFd, kHowMuch, kWhere, {"flags", &kSpliceFlags}},
       PerformSpliceOut},
      {"splice_in",
       kSometimes,
       {kFd, kHowMuch, kWhere, kNoise, {"flags", &kSpliceFlags}},
       PerformSpliceIn},
      {"vmsplice", kSometimes, {kMap, kHowMuch, kInMap}, PerformVmSplice},
      {"copy",
       kSometimes,
       {{"from", &kDescriptor},
        {"to", &kDescriptor},
        kHowMuch,
        kWhere,
        {"target", &kPosition},
        {"by", &kCopyCall}},
       PerformCopy},
  };
}

}  // namespace

const std::vector<Verb>& Verbs() {
  static const std::vector<Verb> table = MakeTable();
  return table;
}

const Verb* FindVerb(std::string_view name) {
  for (const Verb& verb : Verbs()) {
    if (verb.name == name) return &verb;
  }
  return nullptr;
}

int64_t Argument(const Operation& operation, std::string_view name) {
  const auto& parameters = operation.verb->parameters;
  const auto it = std::ranges::find(parameters, name, &Parameter::name);
  if (it == parameters.end()) return 0;
  return operation.arguments.at(static_cast<size_t>(it - parameters.begin()));
}

int64_t& MutableArgument(Operation& operation, std::string_view name) {
  const auto& parameters = operation.verb->parameters;
  const auto it = std::ranges::find(parameters, name, &Parameter::name);
  return operation.arguments.at(static_cast<size_t>(it - parameters.begin()));
}

}  // namespace grabfs::differential
