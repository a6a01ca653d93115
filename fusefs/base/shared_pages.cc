// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/shared_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

UniqueFd MakeRamfs() {
  const UniqueFd context(CheckSyscall(fsopen("ramfs", FSOPEN_CLOEXEC), "fsopen ramfs"));
  CheckSyscall(fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), "making a ramfs");
  return UniqueFd(CheckSyscall(fsmount(context.get(), FSMOUNT_CLOEXEC, 0), "fsmount"));
}

// One ramfs for all files. It is mounted nowhere, so no path leads to it.
int Ramfs() {
  static const UniqueFd kRamfs = MakeRamfs();
  return kRamfs.get();
}

UniqueFd MakeFile(uint64_t bytes) {
  UniqueFd fd(
      CheckSyscall(openat(Ramfs(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), "a file on ramfs"));
  CheckSyscall(ftruncate(fd.get(), static_cast<off_t>(bytes)), "a file on ramfs");
  return fd;
}

std::span<std::byte> Map(int fd, size_t bytes) {
  void* const start =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (start == MAP_FAILED) ThrowErrno("mapping a file on ramfs");
  return {static_cast<std::byte*>(start), bytes};
}

}  // namespace

std::shared_ptr<SharedPages> SharedPages::Make(uint64_t bytes) {
  return std::shared_ptr<SharedPages>(new SharedPages(bytes));
}

SharedPages::SharedPages(uint64_t bytes) : fd_(MakeFile(bytes)), bytes_(Map(fd_.get(), bytes)) {}

SharedPages::~SharedPages() { (void)munmap(bytes_.data(), bytes_.size()); }

}  // namespace grabfs
