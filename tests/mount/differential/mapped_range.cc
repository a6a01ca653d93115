// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/differential/mapped_range.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "fusefs/base/error.h"
#include "tests/mount/differential/domain.h"

namespace grabfs::differential {
namespace {

constexpr size_t kGuardBytes = kPageBytes;
constexpr int kGuardFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

constexpr size_t WholePages(size_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

void Guard(std::byte* from, size_t bytes) {
  if (::mmap(from, bytes, PROT_NONE, kGuardFlags | MAP_FIXED, -1, 0) == MAP_FAILED) {
    ThrowErrno("guard");
  }
}

}  // namespace

MappedRange::MappedRange(size_t capacity) : capacity_(WholePages(capacity)) {}

size_t MappedRange::reserved() const { return kGuardBytes + capacity_ + kGuardBytes; }

// The place for a mapping, behind the first guard.
std::byte* MappedRange::Reserve() const {
  void* const place = ::mmap(nullptr, reserved(), PROT_NONE, kGuardFlags, -1, 0);
  if (place == MAP_FAILED) ThrowErrno("reserve address space");
  return static_cast<std::byte*>(place) + kGuardBytes;
}

// Makes a guard of all that follows `from` in the reservation.
void MappedRange::GuardFrom(std::byte* from) const {
  Guard(from, static_cast<size_t>(base_ + capacity_ + kGuardBytes - from));
}

void MappedRange::Drop() {
  if (base_) ::munmap(base_ - kGuardBytes, reserved());
  base_ = nullptr;
  length_ = 0;
}

int64_t MappedRange::Map(const Request& request) {
  Drop();
  base_ = Reserve();
  length_ = std::min(request.length, capacity_);
  file_ = request.file;
  file_offset_ = request.offset;
  void* const mapped = ::mmap(base_, length_, request.protection, request.flags | MAP_FIXED,
                              request.fd, request.offset);
  if (mapped != MAP_FAILED) return 0;
  const int error = errno;
  Drop();
  return -error;
}

std::span<std::byte> MappedRange::Part(size_t offset, size_t length) const {
  const size_t end = WholePages(length_);
  const size_t first = std::min(offset, end);
  return {base_ + first, std::min(length, end - first)};
}

int64_t MappedRange::Unmap(size_t offset, size_t length) {
  const std::span<std::byte> part = Part(offset, length);
  if (::munmap(part.data(), part.size()) != 0) return -errno;
  // No hole is left for anybody else's mapping, such as a ring's, to land in.
  Guard(part.data(), WholePages(part.size()));
  return 0;
}

int64_t MappedRange::Resize(size_t length, int flags) {
  const size_t wanted = std::min(length, capacity_);
  return (flags & MREMAP_MAYMOVE) ? Move(wanted, flags) : ResizeInPlace(wanted);
}

int64_t MappedRange::ResizeInPlace(size_t length) {
  std::byte* const end = base_ + WholePages(length_);
  // Room to grow into.
  if (length > length_) ::munmap(end, static_cast<size_t>(base_ + capacity_ - end));
  void* const resized = ::mremap(base_, length_, length, 0);
  const int error = resized == MAP_FAILED ? errno : 0;
  if (error == 0) length_ = length;
  GuardFrom(base_ + WholePages(length_));
  return -error;
}

int64_t MappedRange::Move(size_t length, int flags) {
  std::byte* const place = Reserve();
  void* const moved = ::mremap(base_, length_, length, flags | MREMAP_FIXED, place);
  if (moved == MAP_FAILED) {
    const int error = errno;
    ::munmap(place - kGuardBytes, reserved());
    return -error;
  }
  Drop();
  base_ = place;
  length_ = length;
  return 0;
}

}  // namespace grabfs::differential
