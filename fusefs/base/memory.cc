// SPDX-License-Identifier: Apache-2.0
//
// Frame memory on sealed memfds. The life of the pages is set up in the constructor; Probe() is the
// question that the ring asks before it lets a frame be overwritten.
#include "fusefs/base/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "fusefs/base/error.h"
#include "fusefs/base/lease_probe.h"
#include "fusefs/base/mapping.h"
#include "fusefs/base/populate.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14
#endif

namespace grabfs {
namespace {

// memfd_create() takes no longer name.
constexpr size_t kMaxName = 249;

UniqueFd CreateFile(const std::string& name, uint64_t bytes, const std::string& what) {
  if (bytes == 0) throw Error(EINVAL, what + ": 0 bytes");
  UniqueFd fd(::memfd_create(name.substr(0, kMaxName).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  CheckSyscall(fd.get(), what + ": memfd_create");
  CheckSyscall(::ftruncate(fd.get(), static_cast<off_t>(bytes)), what + ": ftruncate");
  return fd;
}

class MemfdMemory final : public Memory {
 public:
  MemfdMemory(const std::string& name, uint64_t bytes, PageSize pages);

  [[nodiscard]] int live_fd() const override { return fd_.get(); }
  [[nodiscard]] int frame_fd() const override { return fd_.get(); }
  [[nodiscard]] Usage Probe() override;
  [[nodiscard]] bool Unused() override { return probe_.Idle(); }

 private:
  void Populate(PageSize pages);
  void Seal();

  std::string what_;  // "memory NAME", for messages
  UniqueFd fd_;
  Mapping mapping_;
  LeaseProbe probe_;
};

MemfdMemory::MemfdMemory(const std::string& name, uint64_t bytes, PageSize pages)
    : what_("memory " + name),
      fd_(CreateFile(name, bytes, what_)),
      mapping_(fd_.get(), bytes, what_),
      probe_(fd_.get(), what_) {
  bytes_ = mapping_.bytes();
  Populate(pages);
  Seal();
}

// Every page exists from now on: filling a frame cannot fail for want of memory (SIGBUS) nor spend
// its time in page faults.
void MemfdMemory::Populate(PageSize pages) {
  if (pages == PageSize::kSmall) {
    // Some administrators want all shared memory large.
    (void)::madvise(bytes_.data(), bytes_.size(), MADV_NOHUGEPAGE);
  } else if (const int code = PopulateFile(fd_.get(), bytes_, 0); code != 0) {
    throw Error(code, what_ + ": fallocate: " + ErrnoText(code));
  }
  // Before Linux 5.14 the first fill takes the faults.
  if (::madvise(bytes_.data(), bytes_.size(), MADV_POPULATE_WRITE) != 0 && errno != EINVAL) {
    ThrowErrno(what_ + ": madvise");
  }
}

void MemfdMemory::Seal() {
  CheckSyscall(::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL),
               what_ + ": F_ADD_SEALS");
}

// frames/ and buffers/ show the same file, so an open one may be either: unclear. So is a lease
// refused for any other reason.
Memory::Usage MemfdMemory::Probe() { return probe_.Idle() ? Usage::kIdle : Usage::kUnclear; }

}  // namespace

std::unique_ptr<Memory> AllocateMemory(const std::string& name, uint64_t bytes, PageSize pages) {
  return std::make_unique<MemfdMemory>(name, bytes, pages);
}

}  // namespace grabfs
