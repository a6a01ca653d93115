// SPDX-License-Identifier: Apache-2.0
#include "tests/vm/guest/pagemap.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::vm {
namespace {

// Documentation/admin-guide/mm/pagemap.rst
constexpr uint64_t kFrameMask = (uint64_t{1} << 55) - 1;
constexpr uint64_t kPresent = uint64_t{1} << 63;

size_t PageSize() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

std::vector<uint64_t> PageFrames(std::span<const std::byte> memory) {
  const size_t count = (memory.size() + PageSize() - 1) / PageSize();
  for (size_t index = 0; index < count; ++index) {
    static_cast<void>(*static_cast<const volatile std::byte*>(&memory[index * PageSize()]));
  }
  const UniqueFd pagemap(
      CheckSyscall(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), "open pagemap"));
  std::vector<uint64_t> frames(count);
  const auto first = reinterpret_cast<uintptr_t>(memory.data()) / PageSize();
  CheckSyscall(pread(pagemap.get(), frames.data(), count * sizeof(uint64_t),
                     static_cast<off_t>(first * sizeof(uint64_t))),
               "read pagemap");
  for (uint64_t& frame : frames) {
    if ((frame & kPresent) == 0) throw Error(ENOENT, "pagemap: a page is not present");
    frame &= kFrameMask;
    if (frame == 0) throw Error(EPERM, "pagemap: page frame numbers are hidden");
  }
  return frames;
}

Mapping::Mapping(int fd, uint64_t bytes, int protection, int flags, int64_t offset) {
  void* const address = mmap(nullptr, bytes, protection, flags, fd, offset);
  if (address == MAP_FAILED) ThrowErrno("mmap");
  bytes_ = {static_cast<std::byte*>(address), bytes};
}

Mapping::~Mapping() { munmap(bytes_.data(), bytes_.size()); }

}  // namespace grabfs::vm
