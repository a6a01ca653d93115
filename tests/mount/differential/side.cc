// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/side.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "fusefs/base/error.h"

namespace grabfs::differential {
namespace {

// Operations may ask for more than a file has.
constexpr size_t kBeyondTheEnd = 4 * kPageBytes;

size_t PlaceIn(size_t places, int64_t place) { return static_cast<size_t>(place) % places; }

}  // namespace

Pipe::Pipe() {
  std::array<int, 2> ends{};
  CheckSyscall(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  out.reset(ends[0]);
  in.reset(ends[1]);
}

Side::Side(const Paths& paths, uint64_t file_bytes)
    : paths_(paths),
      file_bytes_(file_bytes),
      input_(file_bytes + kBeyondTheEnd),
      output_(file_bytes + kBeyondTheEnd) {
  for (auto& mapping : mappings_) {
    mapping = std::make_unique<MappedRange>(file_bytes + kBeyondTheEnd);
  }
}

const std::string& Side::Path(int64_t file) const { return paths_[PlaceIn(kFiles, file)]; }

OpenFile& Side::Open(int64_t place) { return files_[PlaceIn(kDescriptors, place)]; }

MappedRange& Side::Mapping(int64_t place) { return *mappings_[PlaceIn(kMappings, place)]; }

int Side::LockDescriptor(int64_t file) {
  UniqueFd& fd = lock_files_[PlaceIn(kFiles, file)];
  if (!fd.valid()) fd.reset(::open(Path(file).c_str(), O_RDWR | O_CLOEXEC));
  return fd.get();
}

void Side::CloseLockDescriptor(int64_t file) { lock_files_[PlaceIn(kFiles, file)].reset(); }

int Side::DirectDescriptor(int64_t file) {
  UniqueFd& fd = direct_files_[PlaceIn(kFiles, file)];
  constexpr int kFlags = O_RDWR | O_CLOEXEC;
  if (!fd.valid()) fd.reset(::open(Path(file).c_str(), kFlags | O_DIRECT));
  // Not every tmpfs knows it.
  if (!fd.valid()) fd.reset(::open(Path(file).c_str(), kFlags));
  return fd.get();
}

mount_test::IoRing* Side::Ring() {
  if (ring_owner_ != ::getpid()) {
    ring_.reset();
    ring_owner_ = ::getpid();
    ring_ = mount_test::IoRing::Create();
    if (ring_ && ring_->RegisterBuffer({output_.data(), output_.capacity()}) != 0) ring_.reset();
  }
  return ring_ ? &*ring_ : nullptr;
}

std::span<std::byte> Side::Input(int64_t length, int64_t seed) {
  const std::span<std::byte> noise(
      input_.data(),
      std::min(static_cast<size_t>(std::max<int64_t>(length, 0)), input_.capacity()));
  FillWithNoise(noise, static_cast<uint64_t>(seed));
  return noise;
}

std::span<std::byte> Side::Output(int64_t length) const {
  return {output_.data(),
          std::min(static_cast<size_t>(std::max<int64_t>(length, 0)), output_.capacity())};
}

}  // namespace grabfs::differential
