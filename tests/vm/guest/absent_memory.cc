// SPDX-License-Identifier: Apache-2.0
#include "tests/vm/guest/absent_memory.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "fusefs/base/error.h"

namespace grabfs::vm {
namespace {

uffdio_range RangeOf(const std::byte* page) {
  return {.start = reinterpret_cast<uintptr_t>(page), .len = AbsentMemory::kBytes};
}

std::byte* MapPage() {
  void* const page = mmap(nullptr, AbsentMemory::kBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) ThrowErrno("mmap");
  return static_cast<std::byte*>(page);
}

UniqueFd OpenFaults(std::byte* page) {
  UniqueFd faults(static_cast<int>(
      CheckSyscall(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK), "userfaultfd")));
  uffdio_api api = {.api = UFFD_API, .features = 0, .ioctls = 0};
  CheckSyscall(ioctl(faults.get(), UFFDIO_API, &api), "UFFDIO_API");
  uffdio_register registration = {.range = RangeOf(page),
                                  .mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP,
                                  .ioctls = 0};
  CheckSyscall(ioctl(faults.get(), UFFDIO_REGISTER, &registration), "UFFDIO_REGISTER");
  return faults;
}

void Protect(const UniqueFd& faults, const std::byte* page, uint64_t mode) {
  uffdio_writeprotect protection = {.range = RangeOf(page), .mode = mode};
  // Fails when the page is not there, which is as good.
  ioctl(faults.get(), UFFDIO_WRITEPROTECT, &protection);
}

}  // namespace

AbsentMemory::AbsentMemory(unsigned delay)
    : delay_(delay),
      page_(MapPage()),
      faults_(OpenFaults(page_)),
      stop_(CheckSyscall(eventfd(0, EFD_CLOEXEC), "eventfd")),
      thread_([this] { Answer(); }) {}

AbsentMemory::~AbsentMemory() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
  munmap(page_, kBytes);
}

void AbsentMemory::Answer() const {
  for (;;) {
    pollfd waiting[] = {{.fd = faults_.get(), .events = POLLIN, .revents = 0},
                        {.fd = stop_.get(), .events = POLLIN, .revents = 0}};
    if (poll(waiting, 2, -1) < 0) continue;
    if (waiting[1].revents != 0) return;
    uffd_msg message;
    if (read(faults_.get(), &message, sizeof(message)) != sizeof(message)) continue;
    usleep(delay_);
    if ((message.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) != 0) {
      Protect(faults_, page_, 0);
    } else {
      uffdio_zeropage zeros = {.range = RangeOf(page_), .mode = 0, .zeropage = 0};
      ioctl(faults_.get(), UFFDIO_ZEROPAGE, &zeros);
    }
  }
}

void* AbsentMemory::WithSlowWrites(std::span<const std::byte> bytes) {
  Protect(faults_, page_, 0);
  std::memset(page_, 0, kBytes);
  std::copy_n(bytes.begin(), std::min(bytes.size(), kBytes), page_);
  Protect(faults_, page_, UFFDIO_WRITEPROTECT_MODE_WP);
  return page_;
}

void* AbsentMemory::Absent() {
  madvise(page_, kBytes, MADV_DONTNEED);
  return page_;
}

}  // namespace grabfs::vm
