// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "tests/mount/differential/fault_guard.h"
#include "tests/mount/differential/perform.h"
#include "tests/mount/support/file.h"

namespace grabfs::differential {
namespace {

// As mmap() and its kin answer for memory that is not mapped.
constexpr Outcome kNothingMapped{-ENOMEM, {}};

size_t Size(int64_t value) { return static_cast<size_t>(std::max<int64_t>(value, 0)); }

// Memory to write or to execute but not to read is: the processor reads it once it has been
// touched, and the kernel for us only until then.
int Readable(int64_t protection) {
  return static_cast<int>(protection == PROT_NONE ? PROT_NONE : protection | PROT_READ);
}

std::span<std::byte> PartOf(const MappedRange& mapping, int64_t start, int64_t length) {
  return mapping.Part(Size(start), Size(length));
}

// A hole that MADV_REMOVE has made is filled again: how large it is depends on the size of the
// pages, and no buffer tells of it.
void FillHoles(Side& side, int file) {
  const mount_test::Mapping touched(side.DirectDescriptor(file), side.file_bytes(), PROT_READ,
                                    MAP_SHARED | MAP_POPULATE);
}

// Without the bytes in the last page that lie past the end of the file.
std::span<std::byte> PartOfFile(const Side& side, const MappedRange& mapping, int64_t start,
                                int64_t length) {
  const std::span<std::byte> part = PartOf(mapping, start, length);
  const int64_t rest = static_cast<int64_t>(side.file_bytes()) - mapping.PositionOf(Size(start));
  return part.first(std::min(part.size(), Size(rest)));
}

// Copying within one file, by way of a mapping of it.
bool CopiesOntoItself(const OpenFile& file, int64_t position, const MappedRange& mapping,
                      int64_t start, size_t length) {
  return Overlap(file.file, position, mapping.file(), mapping.PositionOf(Size(start)), length);
}

}  // namespace

void ZeroPastTheEnd(const Side& side, int64_t position, std::span<std::byte> bytes) {
  const int64_t rest = static_cast<int64_t>(side.file_bytes()) - position;
  const std::span<std::byte> past = bytes.subspan(std::min(bytes.size(), Size(rest)));
  std::ranges::fill(past, std::byte{0});
}

bool Overlap(int file, int64_t position, int other_file, int64_t other_position, size_t length) {
  const auto [low, high] = std::minmax(position, other_position);
  // Positions may be anything: unsigned, their distance is right.
  return file == other_file && static_cast<uint64_t>(high) - static_cast<uint64_t>(low) < length;
}

Outcome PerformMap(Side& side, const Arguments& arguments) {
  const auto [map, place, length, start, protection, flags] = arguments;
  const OpenFile& file = side.Open(place);
  return {side.Mapping(map).Map({file.fd.get(), file.file, Size(length), start,
                                 Readable(protection), static_cast<int>(flags)}),
          {}};
}

Outcome PerformUnmap(Side& side, const Arguments& arguments) {
  const auto [map, length, start, _3, _4, _5] = arguments;
  MappedRange& mapping = side.Mapping(map);
  return mapping.mapped() ? Outcome{mapping.Unmap(Size(start), Size(length)), {}} : kNothingMapped;
}

Outcome PerformProtect(Side& side, const Arguments& arguments) {
  const auto [map, length, start, protection, _4, _5] = arguments;
  const MappedRange& mapping = side.Mapping(map);
  if (!mapping.mapped()) return kNothingMapped;
  const std::span<std::byte> part = PartOf(mapping, start, length);
  return {ResultOf(::mprotect(part.data(), part.size(), Readable(protection))), {}};
}

Outcome PerformResize(Side& side, const Arguments& arguments) {
  const auto [map, length, flags, _3, _4, _5] = arguments;
  MappedRange& mapping = side.Mapping(map);
  if (!mapping.mapped()) return kNothingMapped;
  return {mapping.Resize(Size(length), static_cast<int>(flags)), {}};
}

Outcome PerformLoad(Side& side, const Arguments& arguments) {
  const auto [map, length, start, _3, _4, _5] = arguments;
  const MappedRange& mapping = side.Mapping(map);
  if (!mapping.mapped()) return kNothingMapped;
  const std::span<std::byte> part = PartOf(mapping, start, length);
  const std::span<std::byte> output = side.Output(static_cast<int64_t>(part.size()));
  const Access access = CopyFromMapped(output.data(), part.data(), output.size());
  const std::span<std::byte> loaded = output.first(access.done);
  ZeroPastTheEnd(side, mapping.PositionOf(Size(start)), loaded);
  const auto done = static_cast<int64_t>(access.done);
  return {access.signal ? SignalResult(access.signal) : done, loaded};
}

Outcome PerformStore(Side& side, const Arguments& arguments) {
  const auto [map, length, start, seed, _4, _5] = arguments;
  const MappedRange& mapping = side.Mapping(map);
  if (!mapping.mapped()) return kNothingMapped;
  const std::span<std::byte> part = PartOf(mapping, start, length);
  const std::span<const std::byte> input = side.Input(static_cast<int64_t>(part.size()), seed);
  const Access access = CopyToMapped(part.data(), input.data(), input.size());
  const auto done = static_cast<int64_t>(access.done);
  // How far it came is in the files.
  return {access.signal ? SignalResult(access.signal) : done, {}};
}

Outcome PerformMSync(Side& side, const Arguments& arguments) {
  const auto [map, length, start, flags, _4, _5] = arguments;
  const MappedRange& mapping = side.Mapping(map);
  if (!mapping.mapped()) return kNothingMapped;
  const std::span<std::byte> part = PartOf(mapping, start, length);
  return {ResultOf(::msync(part.data(), part.size(), static_cast<int>(flags))), {}};
}

Outcome PerformMemoryAdvice(Side& side, const Arguments& arguments) {
  const auto [map, length, start, advice, _4, _5] = arguments;
  const MappedRange& mapping = side.Mapping(map);
  if (!mapping.mapped()) return kNothingMapped;
  const std::span<std::byte> part = PartOf(mapping, start, length);
  const int64_t result = ResultOf(::madvise(part.data(), part.size(), static_cast<int>(advice)));
  if (advice == MADV_REMOVE) FillHoles(side, mapping.file());
  return {result, {}};
}

// A page that has just been touched is in memory; nothing can be said of others.
Outcome PerformInCore(Side& side, const Arguments& arguments) {
  const auto [map, start, _2, _3, _4, _5] = arguments;
  const MappedRange& mapping = side.Mapping(map);
  if (!mapping.mapped()) return kNothingMapped;
  const std::span<std::byte> part = PartOf(mapping, start / kPageBytes * kPageBytes, 1);
  std::byte touched{};
  const Access access = CopyFromMapped(&touched, part.data(), part.size());
  if (access.signal) return {SignalResult(access.signal), {}};
  unsigned char resident = 0;
  const int64_t result = ResultOf(::mincore(part.data(), part.size(), &resident));
  return {result < 0 ? result : resident & 1, {}};
}

Outcome PerformReadIntoMapping(Side& side, const Arguments& arguments) {
  const auto [place, map, length, start, position, _5] = arguments;
  const MappedRange& mapping = side.Mapping(map);
  if (!mapping.mapped()) return kNothingMapped;
  const OpenFile& file = side.Open(place);
  const std::span<std::byte> part = PartOf(mapping, start, length);
  if (CopiesOntoItself(file, position, mapping, start, part.size())) return {};
  return {ResultOf(::pread(file.fd.get(), part.data(), part.size(), position)), {}};
}

Outcome PerformWriteFromMapping(Side& side, const Arguments& arguments) {
  const auto [place, map, length, start, position, _5] = arguments;
  const MappedRange& mapping = side.Mapping(map);
  if (!mapping.mapped()) return kNothingMapped;
  const OpenFile& file = side.Open(place);
  const std::span<std::byte> part = PartOfFile(side, mapping, start, length);
  if (CopiesOntoItself(file, position, mapping, start, part.size())) return {};
  return {ResultOf(::pwrite(file.fd.get(), part.data(), part.size(), position)), {}};
}

Outcome PerformRingReadIntoMapping(Side& side, const Arguments& arguments) {
  const auto [place, map, length, start, position, _5] = arguments;
  const MappedRange& mapping = side.Mapping(map);
  if (!mapping.mapped()) return kNothingMapped;
  auto ring = mount_test::IoRing::Create();
  if (!ring) return {-ENOSYS, {}};
  const OpenFile& file = side.Open(place);
  const std::span<std::byte> part = PartOf(mapping, start, length);
  if (CopiesOntoItself(file, position, mapping, start, part.size())) return {};
  if (const int error = ring->RegisterBuffer(part)) return {-error, {}};
  return {ring->ReadFixed(file.fd.get(), static_cast<uint64_t>(position), part.size()), {}};
}

}  // namespace grabfs::differential
