// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "tests/mount/differential/choices.h"
#include "tests/mount/differential/fault_guard.h"
#include "tests/mount/differential/perform.h"
#include "tests/mount/support/file.h"

namespace grabfs::differential {
namespace {

constexpr size_t kMaxParts = 8;

struct Vector {
  std::array<iovec, kMaxParts> parts{};
  int count = 0;
};

// Cuts memory into `parts` pieces of uneven sizes, so that hardly one is aligned, and an empty one.
Vector Cut(std::span<std::byte> memory, int64_t parts) {
  Vector vector;
  const auto add = [&](size_t length) {
    vector.parts[static_cast<size_t>(vector.count++)] = {memory.data(), length};
    memory = memory.subspan(length);
  };
  for (int64_t i = 1; i < parts; i++) add(memory.size() / 3);
  if (parts > 0) add(memory.size());
  if (parts > 3) add(0);
  return vector;
}

// What preadv2() and pwritev2() take for "where the descriptor is".
constexpr int64_t kOwnPosition = -1;

Outcome CheckByMapping(Side& side, int fd) {
  const mount_test::Mapping mapping(fd, side.file_bytes());
  const std::span<std::byte> output = side.Output(static_cast<int64_t>(side.file_bytes()));
  const Access access = CopyFromMapped(output.data(), mapping.data(), output.size());
  if (access.signal) return {SignalResult(access.signal), output.first(access.done)};
  return Delivered(static_cast<int64_t>(access.done), output);
}

}  // namespace

int64_t ResultOf(int64_t returned) { return returned < 0 ? -errno : returned; }

Outcome Delivered(int64_t result, std::span<const std::byte> buffer) {
  if (result <= 0) return {result, {}};
  return {result, buffer.first(static_cast<size_t>(result))};
}

Outcome PerformRead(Side& side, const Arguments& arguments) {
  const std::span<std::byte> output = side.Output(arguments[1]);
  return Delivered(ResultOf(::read(side.Descriptor(arguments[0]), output.data(), output.size())),
                   output);
}

Outcome PerformWrite(Side& side, const Arguments& arguments) {
  const auto [place, length, seed, _3, _4, _5] = arguments;
  const std::span<std::byte> input = side.Input(length, seed);
  return {ResultOf(::write(side.Descriptor(place), input.data(), input.size())), {}};
}

Outcome PerformPRead(Side& side, const Arguments& arguments) {
  const auto [place, length, position, _3, _4, _5] = arguments;
  const std::span<std::byte> output = side.Output(length);
  return Delivered(
      ResultOf(::pread(side.Descriptor(place), output.data(), output.size(), position)), output);
}

Outcome PerformPWrite(Side& side, const Arguments& arguments) {
  const auto [place, length, position, seed, _4, _5] = arguments;
  const std::span<std::byte> input = side.Input(length, seed);
  return {ResultOf(::pwrite(side.Descriptor(place), input.data(), input.size(), position)), {}};
}

Outcome PerformPReadV2(Side& side, const Arguments& arguments) {
  const auto [place, length, position, parts, flags, _5] = arguments;
  const std::span<std::byte> output = side.Output(length);
  const Vector vector = Cut(output, parts);
  const int64_t from = std::max(position, kOwnPosition);
  return Delivered(ResultOf(::preadv2(side.Descriptor(place), vector.parts.data(), vector.count,
                                      from, static_cast<int>(flags))),
                   output);
}

Outcome PerformPWriteV2(Side& side, const Arguments& arguments) {
  const auto [place, length, position, seed, parts, flags] = arguments;
  const Vector vector = Cut(side.Input(length, seed), parts);
  const int64_t to = std::max(position, kOwnPosition);
  return {ResultOf(::pwritev2(side.Descriptor(place), vector.parts.data(), vector.count, to,
                              static_cast<int>(flags))),
          {}};
}

Outcome PerformRingRead(Side& side, const Arguments& arguments) {
  const auto [place, length, position, _3, _4, _5] = arguments;
  mount_test::IoRing* const ring = side.Ring();
  if (!ring) return {-ENOSYS, {}};
  const std::span<std::byte> output = side.Output(length);
  return Delivered(
      ring->ReadFixed(side.Descriptor(place), static_cast<uint64_t>(position), output.size()),
      output);
}

// From output(), which is what the ring has registered.
Outcome PerformRingWrite(Side& side, const Arguments& arguments) {
  const auto [place, length, position, seed, _4, _5] = arguments;
  mount_test::IoRing* const ring = side.Ring();
  if (!ring) return {-ENOSYS, {}};
  const std::span<std::byte> output = side.Output(length);
  FillWithNoise(output, static_cast<uint64_t>(seed));
  return {ring->WriteFixed(side.Descriptor(place), static_cast<uint64_t>(position), output.size()),
          {}};
}

Outcome PerformFSync(Side& side, const Arguments& arguments) {
  return {ResultOf(::fsync(side.Descriptor(arguments[0]))), {}};
}

Outcome PerformFDataSync(Side& side, const Arguments& arguments) {
  return {ResultOf(::fdatasync(side.Descriptor(arguments[0]))), {}};
}

Outcome PerformSyncRange(Side& side, const Arguments& arguments) {
  const auto [place, length, position, flags, _4, _5] = arguments;
  return {ResultOf(::sync_file_range(side.Descriptor(place), position, length,
                                     static_cast<unsigned>(flags))),
          {}};
}

Outcome PerformFileAdvice(Side& side, const Arguments& arguments) {
  const auto [place, length, position, advice, _4, _5] = arguments;
  // It returns its error.
  return {
      -int64_t{::posix_fadvise(side.Descriptor(place), position, length, static_cast<int>(advice))},
      {}};
}

Outcome PerformReadAhead(Side& side, const Arguments& arguments) {
  const auto [place, length, position, _3, _4, _5] = arguments;
  return {ResultOf(::readahead(side.Descriptor(place), position, static_cast<size_t>(length))), {}};
}

Outcome PerformTruncate(Side& side, const Arguments& arguments) {
  return {ResultOf(::truncate(side.Path(arguments[0]).c_str(), arguments[1])), {}};
}

Outcome PerformFTruncate(Side& side, const Arguments& arguments) {
  return {ResultOf(::ftruncate(side.Descriptor(arguments[0]), arguments[1])), {}};
}

Outcome PerformAllocate(Side& side, const Arguments& arguments) {
  const auto [place, length, position, mode, _4, _5] = arguments;
  return {ResultOf(::fallocate(side.Descriptor(place), static_cast<int>(mode), position, length)),
          {}};
}

Outcome PerformCheck(Side& side, const Arguments& arguments) {
  const auto look = static_cast<Look>(arguments[1]);
  const int flags = O_RDONLY | (look == Look::kDirect ? O_DIRECT : 0);
  const UniqueFd fd = mount_test::Open(side.Path(arguments[0]), flags);
  if (look == Look::kMap) return CheckByMapping(side, fd.get());
  // All there is room for, which is more than a file has.
  const std::span<std::byte> output = side.Output(INT64_MAX);
  return Delivered(ResultOf(::pread(fd.get(), output.data(), output.size(), 0)), output);
}

}  // namespace grabfs::differential
