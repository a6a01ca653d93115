// SPDX-License-Identifier: Apache-2.0
//
// Aligned mappings: more address space than needed is reserved, and what lies beside the mapping is
// given back.
#include "fusefs/base/mapping.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

constexpr int kReserve = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

size_t RoundUp(size_t value, size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

void Unmap(std::byte* begin, std::byte* end) {
  if (begin < end) ::munmap(begin, static_cast<size_t>(end - begin));
}

}  // namespace

Mapping::Mapping(int fd, uint64_t bytes, const std::string& what) {
  const size_t length = RoundUp(bytes, static_cast<size_t>(::sysconf(_SC_PAGESIZE)));
  void* area = ::mmap(nullptr, length + kAlignment, PROT_NONE, kReserve, -1, 0);
  if (area == MAP_FAILED) ThrowErrno(what + ": mmap");

  auto* begin = static_cast<std::byte*>(area);
  const auto address = reinterpret_cast<uintptr_t>(begin);
  std::byte* aligned = begin + (RoundUp(address, kAlignment) - address);
  std::byte* end = begin + length + kAlignment;
  if (::mmap(aligned, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
      MAP_FAILED) {
    const int code = errno;
    Unmap(begin, end);
    throw Error(code, what + ": mmap: " + ErrnoText(code));
  }
  Unmap(begin, aligned);
  Unmap(aligned + length, end);
  bytes_ = {aligned, bytes};
}

Mapping::~Mapping() { ::munmap(bytes_.data(), bytes_.size()); }

}  // namespace grabfs
