// SPDX-License-Identifier: Apache-2.0
//
// Frame memory on sealed memfds. The life of the pages is set up in the constructor; Probe() is the
// question that the ring asks before it lets a frame be overwritten.
#include "fusefs/base/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "fusefs/base/error.h"
#include "fusefs/base/mapping.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25  // Linux 6.1
#endif

namespace grabfs {
namespace {

// memfd_create() takes no longer name.
constexpr size_t kMaxName = 249;
constexpr int kCollapseAttempts = 3;

UniqueFd CreateFile(const std::string& name, uint64_t bytes, const std::string& what) {
  if (bytes == 0) throw Error(EINVAL, what + ": 0 bytes");
  UniqueFd fd(::memfd_create(name.substr(0, kMaxName).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  CheckSyscall(fd.get(), what + ": memfd_create");
  CheckSyscall(::ftruncate(fd.get(), static_cast<off_t>(bytes)), what + ": ftruncate");
  return fd;
}

// A signal interrupts fallocate(), which then takes back what it had allocated.
int Allocate(int fd, size_t offset, size_t bytes) {
  int result;
  do {
    result = ::fallocate(fd, 0, static_cast<off_t>(offset), static_cast<off_t>(bytes));
  } while (result != 0 && errno == EINTR);
  return result;
}

class MemfdMemory final : public Memory {
 public:
  MemfdMemory(const std::string& name, uint64_t bytes);

  [[nodiscard]] int live_fd() const override { return fd_.get(); }
  [[nodiscard]] int frame_fd() const override { return fd_.get(); }
  [[nodiscard]] Usage Probe() override;

 private:
  void Collapse();
  void Populate();
  void Seal();
  void OpenProbe();

  std::string what_;  // "memory NAME", for messages
  UniqueFd fd_;
  Mapping mapping_;
  UniqueFd probe_;  // an O_RDONLY open of the same file, to take leases on
};

MemfdMemory::MemfdMemory(const std::string& name, uint64_t bytes)
    : what_("memory " + name),
      fd_(CreateFile(name, bytes, what_)),
      mapping_(fd_.get(), bytes, what_) {
  bytes_ = mapping_.bytes();
  Collapse();
  Populate();
  Seal();
  OpenProbe();
}

// Asks for 2 MiB pages before the small ones exist: with only the first page of each range in
// place, the kernel clears a huge page and copies one small one, five times as fast as collapsing
// 512. A kernel that cannot or will not (before 6.1, no memory in one piece, "deny") changes
// nothing but the number of page faults.
void MemfdMemory::Collapse() {
  constexpr size_t kHugePage = Mapping::kAlignment;
  const size_t huge = bytes_.size() / kHugePage * kHugePage;
  for (size_t offset = 0; offset < huge; offset += kHugePage) {
    if (Allocate(fd_.get(), offset, 1) != 0) return;
  }
  if (huge == 0) return;
  // EAGAIN: a page was locked or on its way to a list just then.
  for (int attempt = 0; attempt < kCollapseAttempts; ++attempt) {
    if (::madvise(bytes_.data(), huge, MADV_COLLAPSE) == 0 || errno != EAGAIN) return;
  }
}

// Every page exists from now on: filling a frame cannot fail for want of memory (SIGBUS) nor spend
// its time in page faults.
void MemfdMemory::Populate() {
  CheckSyscall(Allocate(fd_.get(), 0, bytes_.size()), what_ + ": fallocate");
  // Before Linux 5.14 the first fill takes the faults.
  if (::madvise(bytes_.data(), bytes_.size(), MADV_POPULATE_WRITE) != 0 && errno != EINVAL) {
    ThrowErrno(what_ + ": madvise");
  }
}

void MemfdMemory::Seal() {
  CheckSyscall(::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL),
               what_ + ": F_ADD_SEALS");
}

// The lease needs a descriptor of its own. A memfd's first one counts neither as reader nor as
// writer of the inode, so the kernel would compare with the wrong number; the mapping refers to
// that first one and is not counted either. With one O_RDONLY open of ours, "one reader, no
// writer" means that nobody else is there.
void MemfdMemory::OpenProbe() {
  const std::string path = "/proc/self/fd/" + std::to_string(fd_.get());
  probe_.reset(CheckSyscall(::open(path.c_str(), O_RDONLY | O_CLOEXEC), what_ + ": " + path));
}

// An open that meets the lease in its few microseconds makes the kernel send a signal, by default
// SIGIO, which ends the process. SIGURG is ignored by default, and nobody needs to know: the lease
// is given back at once. Giving it back also resets the signal, so it is chosen for each lease.
//
// frames/ and buffers/ show the same file, so an open one may be either: unclear. So is a failure
// for any other reason, such as leases forbidden by fs.leases-enable.
Memory::Usage MemfdMemory::Probe() {
  if (::fcntl(probe_.get(), F_SETSIG, SIGURG) != 0) return Usage::kUnclear;
  if (::fcntl(probe_.get(), F_SETLEASE, F_WRLCK) != 0) return Usage::kUnclear;
  ::fcntl(probe_.get(), F_SETLEASE, F_UNLCK);
  return Usage::kIdle;
}

}  // namespace

std::unique_ptr<Memory> AllocateMemory(const std::string& name, uint64_t bytes) {
  return std::make_unique<MemfdMemory>(name, bytes);
}

}  // namespace grabfs
