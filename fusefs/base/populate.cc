// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/populate.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

#include "fusefs/base/mapping.h"
#include "fusefs/base/mutex.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25  // Linux 6.1
#endif

namespace grabfs {
namespace {

constexpr int kCollapseAttempts = 3;
constexpr uint64_t kHugePage = Mapping::kAlignment;

// A signal interrupts fallocate(), which then takes back what it had allocated.
int Allocate(int fd, uint64_t offset, uint64_t bytes, int mode = 0) noexcept {
  int result;
  do {
    result = ::fallocate(fd, mode, static_cast<off_t>(offset), static_cast<off_t>(bytes));
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

// Asks for 2 MiB pages before the small ones exist: with only the first page of each range in
// place, the kernel clears a huge page and copies one small one, five times as fast as collapsing
// 512. A kernel that cannot or will not (before 6.1, no memory in one piece, "deny") changes
// nothing but the number of page faults.
void Collapse(int fd, std::span<std::byte> mapping, uint64_t from) noexcept {
  const uint64_t begin = (from + kHugePage - 1) / kHugePage * kHugePage;
  const uint64_t end = mapping.size() / kHugePage * kHugePage;
  for (uint64_t offset = begin; offset < end; offset += kHugePage) {
    if (Allocate(fd, offset, 1) != 0) return;
  }
  if (begin >= end) return;
  // EAGAIN: a page was locked or on its way to a list just then.
  for (int attempt = 0; attempt < kCollapseAttempts; ++attempt) {
    if (::madvise(mapping.data() + begin, end - begin, MADV_COLLAPSE) == 0 || errno != EAGAIN) {
      return;
    }
  }
}

}  // namespace

int PopulateFile(int fd, std::span<std::byte> mapping, uint64_t from) noexcept {
  MayWait("memory to be found");
  if (from >= mapping.size()) return 0;
  Collapse(fd, mapping, from);
  return Allocate(fd, from, mapping.size() - from);
}

int ReserveFile(int fd, uint64_t from, uint64_t to) noexcept {
  return from < to ? Allocate(fd, from, to - from, FALLOC_FL_KEEP_SIZE) : 0;
}

}  // namespace grabfs
