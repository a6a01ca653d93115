// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/domain.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <charconv>
#include <stdexcept>

#include "tests/mount/differential/choices.h"

// Newer than the C library of Debian 12.
#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

namespace grabfs::differential {
namespace {

constexpr Name kOpenNames[] = {
    // The access modes are no bits: PrintBits() looks for them first.
    {"O_WRONLY", O_WRONLY},     {"O_RDWR", O_RDWR},           {"O_APPEND", O_APPEND},
    {"O_TRUNC", O_TRUNC},       {"O_CREAT", O_CREAT},         {"O_EXCL", O_EXCL},
    {"O_DIRECT", O_DIRECT},     {"O_SYNC", O_SYNC},           {"O_DSYNC", O_DSYNC},
    {"O_NONBLOCK", O_NONBLOCK}, {"O_NOATIME", O_NOATIME},     {"O_NOFOLLOW", O_NOFOLLOW},
    {"O_NOCTTY", O_NOCTTY},     {"O_DIRECTORY", O_DIRECTORY}, {"O_PATH", O_PATH},
};
constexpr Name kStatusNames[] = {
    {"O_APPEND", O_APPEND},
    {"O_DIRECT", O_DIRECT},
    {"O_NONBLOCK", O_NONBLOCK},
    {"O_NOATIME", O_NOATIME},
};
constexpr Name kWhenceNames[] = {
    {"SEEK_SET", SEEK_SET},   {"SEEK_CUR", SEEK_CUR},   {"SEEK_END", SEEK_END},
    {"SEEK_DATA", SEEK_DATA}, {"SEEK_HOLE", SEEK_HOLE}, {"junk", 9},
};
constexpr Name kTransferNames[] = {
    {"RWF_HIPRI", RWF_HIPRI},   {"RWF_DSYNC", RWF_DSYNC},   {"RWF_SYNC", RWF_SYNC},
    {"RWF_NOWAIT", RWF_NOWAIT}, {"RWF_APPEND", RWF_APPEND}, {"RWF_NOAPPEND", RWF_NOAPPEND},
};
constexpr Name kProtectionNames[] = {
    {"PROT_READ", PROT_READ},
    {"PROT_WRITE", PROT_WRITE},
    {"PROT_EXEC", PROT_EXEC},
};
constexpr Name kMapNames[] = {
    // The first two together are the third.
    {"MAP_SHARED", MAP_SHARED},
    {"MAP_PRIVATE", MAP_PRIVATE},
    {"MAP_SHARED_VALIDATE", MAP_SHARED_VALIDATE},
    {"MAP_POPULATE", MAP_POPULATE},
    {"MAP_LOCKED", MAP_LOCKED},
    {"MAP_NORESERVE", MAP_NORESERVE},
    {"MAP_NONBLOCK", MAP_NONBLOCK},
    {"MAP_SYNC", MAP_SYNC},
};
constexpr Name kMoveNames[] = {
    {"MREMAP_MAYMOVE", MREMAP_MAYMOVE},
    {"MREMAP_DONTUNMAP", MREMAP_DONTUNMAP},
};
constexpr Name kSyncNames[] = {
    {"MS_ASYNC", MS_ASYNC},
    {"MS_INVALIDATE", MS_INVALIDATE},
    {"MS_SYNC", MS_SYNC},
    {"junk", 8},
};
constexpr Name kMemoryAdviceNames[] = {
    {"MADV_NORMAL", MADV_NORMAL},
    {"MADV_RANDOM", MADV_RANDOM},
    {"MADV_SEQUENTIAL", MADV_SEQUENTIAL},
    {"MADV_WILLNEED", MADV_WILLNEED},
    {"MADV_DONTNEED", MADV_DONTNEED},
    {"MADV_REMOVE", MADV_REMOVE},
    {"MADV_FREE", MADV_FREE},
    {"MADV_DONTFORK", MADV_DONTFORK},
    {"MADV_DOFORK", MADV_DOFORK},
    {"MADV_WIPEONFORK", MADV_WIPEONFORK},
    {"MADV_HUGEPAGE", MADV_HUGEPAGE},
    {"MADV_NOHUGEPAGE", MADV_NOHUGEPAGE},
    {"MADV_COLD", MADV_COLD},
    {"MADV_PAGEOUT", MADV_PAGEOUT},
    {"MADV_POPULATE_READ", MADV_POPULATE_READ},
    {"MADV_POPULATE_WRITE", MADV_POPULATE_WRITE},
    {"junk", 77},
};
constexpr Name kFileAdviceNames[] = {
    {"POSIX_FADV_NORMAL", POSIX_FADV_NORMAL},
    {"POSIX_FADV_RANDOM", POSIX_FADV_RANDOM},
    {"POSIX_FADV_SEQUENTIAL", POSIX_FADV_SEQUENTIAL},
    {"POSIX_FADV_WILLNEED", POSIX_FADV_WILLNEED},
    {"POSIX_FADV_DONTNEED", POSIX_FADV_DONTNEED},
    {"POSIX_FADV_NOREUSE", POSIX_FADV_NOREUSE},
    {"junk", 77},
};
constexpr Name kAllocateNames[] = {
    {"FALLOC_FL_KEEP_SIZE", FALLOC_FL_KEEP_SIZE},
    {"FALLOC_FL_PUNCH_HOLE", FALLOC_FL_PUNCH_HOLE},
    {"FALLOC_FL_COLLAPSE_RANGE", FALLOC_FL_COLLAPSE_RANGE},
    {"FALLOC_FL_ZERO_RANGE", FALLOC_FL_ZERO_RANGE},
    {"FALLOC_FL_INSERT_RANGE", FALLOC_FL_INSERT_RANGE},
};
constexpr Name kLockCommandNames[] = {
    {"F_SETLK", F_SETLK},
    {"F_GETLK", F_GETLK},
    {"F_OFD_SETLK", F_OFD_SETLK},
    {"F_OFD_GETLK", F_OFD_GETLK},
};
constexpr Name kLockTypeNames[] = {
    {"F_RDLCK", F_RDLCK}, {"F_WRLCK", F_WRLCK}, {"F_UNLCK", F_UNLCK}, {"junk", 7}};
constexpr Name kFlockNames[] = {
    {"LOCK_SH", LOCK_SH}, {"LOCK_EX", LOCK_EX}, {"LOCK_UN", LOCK_UN}, {"junk", 0}};
constexpr Name kSyncRangeNames[] = {
    {"SYNC_FILE_RANGE_WAIT_BEFORE", SYNC_FILE_RANGE_WAIT_BEFORE},
    {"SYNC_FILE_RANGE_WRITE", SYNC_FILE_RANGE_WRITE},
    {"SYNC_FILE_RANGE_WAIT_AFTER", SYNC_FILE_RANGE_WAIT_AFTER},
    {"junk", 8},
};
constexpr Name kSpliceNames[] = {
    {"SPLICE_F_MOVE", SPLICE_F_MOVE},
    {"SPLICE_F_NONBLOCK", SPLICE_F_NONBLOCK},
    {"SPLICE_F_MORE", SPLICE_F_MORE},
};
constexpr Name kPollNames[] = {
    {"POLLIN", POLLIN}, {"POLLOUT", POLLOUT}, {"POLLPRI", POLLPRI}, {"POLLRDHUP", POLLRDHUP}};
constexpr Name kCopyNames[] = {
    {"copy_file_range", static_cast<int64_t>(CopyCall::kCopyFileRange)},
    {"sendfile", static_cast<int64_t>(CopyCall::kSendFile)},
    {"splice", static_cast<int64_t>(CopyCall::kSplice)},
};
constexpr Name kLookNames[] = {
    {"read", static_cast<int64_t>(Look::kRead)},
    {"direct", static_cast<int64_t>(Look::kDirect)},
    {"map", static_cast<int64_t>(Look::kMap)},
};

int64_t Signed(uint64_t value) { return static_cast<int64_t>(value); }

template <size_t N>
int64_t OneOf(Random& random, const Name (&names)[N]) {
  return names[random.Below(N)].value;
}

// Each bit with this probability.
template <size_t N>
int64_t SomeOf(Random& random, const Name (&names)[N], unsigned percent) {
  int64_t bits = 0;
  for (const Name& name : names) {
    if (random.Chance(percent)) bits |= name.value;
  }
  return bits;
}

template <unsigned kLimit>
int64_t DrawBelow(Random& random, uint64_t /*file_bytes*/) {
  return Signed(random.Below(kLimit));
}

// Errors hide at the edges of pages and of the file.
int64_t DrawNearEdge(Random& random, uint64_t file_bytes) {
  const auto page = Signed(random.Below(file_bytes / kPageBytes + 2)) * kPageBytes;
  const int64_t edge = random.Chance(30) ? Signed(file_bytes) : page;
  return std::max<int64_t>(0, edge + Signed(random.Below(7)) - 3);
}

int64_t DrawLength(Random& random, uint64_t file_bytes) {
  if (random.Chance(2)) return 0;
  if (random.Chance(50)) return Signed(1 + random.Below(300));
  if (random.Chance(50)) return DrawNearEdge(random, file_bytes);
  return Signed(random.Below(file_bytes + kPageBytes));
}

// Inside a mapping: mostly page-aligned, since most calls refuse the rest.
int64_t DrawOffset(Random& random, uint64_t file_bytes) {
  const int64_t page = Signed(random.Below(file_bytes / kPageBytes + 1)) * kPageBytes;
  return random.Chance(70) ? page : DrawNearEdge(random, file_bytes);
}

int64_t DrawPosition(Random& random, uint64_t file_bytes) {
  if (random.Chance(1)) return -1 - Signed(random.Below(5000));
  if (random.Chance(1)) return INT64_MAX - Signed(random.Below(5000));
  if (random.Chance(50)) return DrawNearEdge(random, file_bytes);
  return Signed(random.Below(file_bytes + 100));
}

int64_t DrawFileSize(Random& random, uint64_t file_bytes) {
  return random.Chance(30) ? Signed(file_bytes) : DrawPosition(random, file_bytes);
}

int64_t DrawOpenFlags(Random& random, uint64_t /*file_bytes*/) {
  constexpr unsigned kEach = 4;
  const int64_t access = random.Chance(60) ? O_RDWR : Signed(random.Below(4));
  const auto others = std::span(kOpenNames).subspan(2);
  int64_t bits = access;
  for (const Name& name : others) {
    const bool common = name.value == O_DIRECT || name.value == O_APPEND || name.value == O_TRUNC;
    if (random.Chance(common ? 3 * kEach : kEach)) bits |= name.value;
  }
  // O_EXCL without O_CREAT is undefined on regular files.
  if (!(bits & O_CREAT)) bits &= ~int64_t{O_EXCL};
  // Far more would be refused than opened.
  if (random.Chance(80)) bits &= ~int64_t{O_EXCL | O_DIRECTORY | O_PATH};
  return bits;
}

int64_t DrawProtection(Random& random, uint64_t /*file_bytes*/) {
  if (random.Chance(60)) return PROT_READ | PROT_WRITE;
  return SomeOf(random, kProtectionNames, 40);
}

int64_t DrawMapFlags(Random& random, uint64_t /*file_bytes*/) {
  const int64_t kind = random.Chance(65) ? MAP_SHARED : Signed(random.Below(4));
  int64_t bits = kind;
  for (const Name& name : std::span(kMapNames).subspan(3)) {
    if (random.Chance(5)) bits |= name.value;
  }
  return bits;
}

constexpr Domain Number(int64_t (*draw)(Random&, uint64_t)) {
  return {Domain::Form::kNumber, {}, draw};
}

template <const auto& kNames>
constexpr Domain Choice() {
  return {Domain::Form::kChoice, kNames,
          [](Random& random, uint64_t) { return OneOf(random, kNames); }};
}

template <const auto& kNames, unsigned kPercent>
constexpr Domain Bits() {
  return {Domain::Form::kBits, kNames,
          [](Random& random, uint64_t) { return SomeOf(random, kNames, kPercent); }};
}

std::string Join(std::string text, std::string_view part) {
  if (!text.empty()) text += '|';
  return text += part;
}

// The longest names first: O_SYNC contains O_DSYNC, MAP_SHARED_VALIDATE both its kinds.
std::string PrintBits(std::span<const Name> names, int64_t value) {
  std::string text;
  int64_t rest = value;
  while (rest != 0) {
    const Name* best = nullptr;
    for (const Name& name : names) {
      const bool fits = name.value != 0 && (rest & name.value) == name.value;
      const auto size = [](const Name& n) {
        return __builtin_popcountll(static_cast<uint64_t>(n.value));
      };
      if (fits && (!best || size(name) > size(*best))) best = &name;
    }
    if (!best) return Join(std::move(text), std::to_string(rest));
    text = Join(std::move(text), best->name);
    rest &= ~best->value;
  }
  return text.empty() ? "0" : text;
}

int64_t ParseWord(std::span<const Name> names, std::string_view word) {
  for (const Name& name : names) {
    if (name.name == word) return name.value;
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(word.begin(), word.end(), value);
  if (error != std::errc() || end != word.end()) {
    throw std::invalid_argument("'" + std::string(word) + "' is no number and no name that fits");
  }
  return value;
}

}  // namespace

const Domain kFile = Number(DrawBelow<kFiles>);
const Domain kDescriptor = Number(DrawBelow<kDescriptors>);
const Domain kMapping = Number(DrawBelow<kMappings>);
const Domain kLength = Number(DrawLength);
const Domain kOffset = Number(DrawOffset);
const Domain kPosition = Number(DrawPosition);
const Domain kFileSize = Number(DrawFileSize);
const Domain kSeed = Number(DrawBelow<1000>);
const Domain kParts = Number(DrawBelow<6>);
const Domain kOpenFlags = {Domain::Form::kBits, kOpenNames, DrawOpenFlags};
const Domain kStatusFlags = Bits<kStatusNames, 15>();
const Domain kWhence = Choice<kWhenceNames>();
const Domain kTransferFlags = Bits<kTransferNames, 5>();
const Domain kProtection = {Domain::Form::kBits, kProtectionNames, DrawProtection};
const Domain kMapFlags = {Domain::Form::kBits, kMapNames, DrawMapFlags};
const Domain kMoveFlags = Bits<kMoveNames, 40>();
const Domain kSyncFlags = Bits<kSyncNames, 25>();
const Domain kMemoryAdvice = Choice<kMemoryAdviceNames>();
const Domain kFileAdvice = Choice<kFileAdviceNames>();
const Domain kAllocateMode = Bits<kAllocateNames, 25>();
const Domain kLockCommand = Choice<kLockCommandNames>();
const Domain kLockType = Choice<kLockTypeNames>();
const Domain kFlockMode = Choice<kFlockNames>();
const Domain kSyncRangeFlags = Bits<kSyncRangeNames, 25>();
const Domain kSpliceFlags = Bits<kSpliceNames, 30>();
const Domain kPollEvents = Bits<kPollNames, 50>();
const Domain kCopyCall = Choice<kCopyNames>();
const Domain kLook = Choice<kLookNames>();

std::string PrintValue(const Domain& domain, int64_t value) {
  if (domain.form == Domain::Form::kBits) return PrintBits(domain.names, value);
  for (const Name& name : domain.names) {
    if (name.value == value) return std::string(name.name);
  }
  return std::to_string(value);
}

int64_t ParseValue(const Domain& domain, std::string_view text) {
  if (domain.form != Domain::Form::kBits) return ParseWord(domain.names, text);
  int64_t bits = 0;
  for (;;) {
    const size_t end = text.find('|');
    bits |= ParseWord(domain.names, text.substr(0, end));
    if (end == std::string_view::npos) return bits;
    text.remove_prefix(end + 1);
  }
}

}  // namespace grabfs::differential
