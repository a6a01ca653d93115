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

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25  // Linux 6.1
#endif

namespace grabfs {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
// memfd_create() takes no longer name, less the "memfd:" that the kernel puts before it.
constexpr size_t kMaxName = 249;
constexpr int kCollapseAttempts = 3;

class MemfdMemory final : public Memory {
 public:
  MemfdMemory(const std::string& name, uint64_t bytes);
  ~MemfdMemory() override;

  [[nodiscard]] int live_fd() const override { return fd_.get(); }
  [[nodiscard]] int frame_fd() const override { return fd_.get(); }
  [[nodiscard]] Usage Probe() override;

 private:
  void CreateFile(const std::string& name, uint64_t bytes);
  void Map(uint64_t bytes);
  void Collapse();
  void Populate();
  void Seal();
  void OpenProbe();

  std::string what_;  // "memory NAME", for messages
  UniqueFd fd_;
  UniqueFd probe_;  // an O_RDONLY open of the same file, to take leases on
};

MemfdMemory::MemfdMemory(const std::string& name, uint64_t bytes) : what_("memory " + name) {
  CreateFile(name, bytes);
  Map(bytes);
  try {
    Collapse();
    Populate();
    Seal();
    OpenProbe();
  } catch (...) {
    ::munmap(bytes_.data(), bytes_.size());
    throw;
  }
}

MemfdMemory::~MemfdMemory() { ::munmap(bytes_.data(), bytes_.size()); }

void MemfdMemory::CreateFile(const std::string& name, uint64_t bytes) {
  if (bytes == 0) throw Error(EINVAL, what_ + ": 0 bytes");
  const int fd = ::memfd_create(name.substr(0, kMaxName).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  fd_.reset(CheckSyscall(fd, what_ + ": memfd_create"));
  CheckSyscall(::ftruncate(fd_.get(), static_cast<off_t>(bytes)), what_ + ": ftruncate");
}

// Maps the file at a multiple of 2 MiB, without which no page table entry can span so much. More
// address space than needed is reserved, and what lies beside the mapping given back.
void MemfdMemory::Map(uint64_t bytes) {
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t length = (bytes + page - 1) / page * page;
  const size_t reserved = length + kHugePage;
  void* area =
      ::mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (area == MAP_FAILED) ThrowErrno(what_ + ": mmap");

  auto* begin = static_cast<std::byte*>(area);
  auto* aligned = begin + (kHugePage - reinterpret_cast<uintptr_t>(begin) % kHugePage) % kHugePage;
  if (::mmap(aligned, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd_.get(), 0) ==
      MAP_FAILED) {
    const int code = errno;
    ::munmap(area, reserved);
    throw Error(code, what_ + ": mmap: " + ErrnoText(code));
  }
  if (aligned > begin) ::munmap(begin, static_cast<size_t>(aligned - begin));
  std::byte* end = aligned + length;
  if (begin + reserved > end) ::munmap(end, static_cast<size_t>(begin + reserved - end));
  bytes_ = {aligned, bytes};
}

// Asks for 2 MiB pages before the small ones exist: with only the first page of each range in
// place, the kernel clears a huge page and copies one small one, five times as fast as collapsing
// 512. A kernel that cannot or will not (before 6.1, no memory in one piece, "deny") changes
// nothing but the number of page faults.
void MemfdMemory::Collapse() {
  const size_t huge = bytes_.size() / kHugePage * kHugePage;
  for (size_t offset = 0; offset < huge; offset += kHugePage) {
    if (::fallocate(fd_.get(), 0, static_cast<off_t>(offset), 1) != 0) return;
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
  CheckSyscall(::fallocate(fd_.get(), 0, 0, static_cast<off_t>(bytes_.size())),
               what_ + ": fallocate");
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
//
// An open that meets the lease in its few microseconds makes the kernel send a signal, by default
// SIGIO, which ends the process. SIGURG is ignored by default: nobody needs to know, because the
// lease is always given back at once.
void MemfdMemory::OpenProbe() {
  const std::string path = "/proc/self/fd/" + std::to_string(fd_.get());
  probe_.reset(CheckSyscall(::open(path.c_str(), O_RDONLY | O_CLOEXEC), what_ + ": " + path));
  CheckSyscall(::fcntl(probe_.get(), F_SETSIG, SIGURG), what_ + ": F_SETSIG");
}

// frames/ and buffers/ show the same file, so an open one may be either: unclear. So is a failure
// for any other reason, such as leases forbidden by fs.leases-enable.
Memory::Usage MemfdMemory::Probe() {
  if (::fcntl(probe_.get(), F_SETLEASE, F_WRLCK) != 0) return Usage::kUnclear;
  ::fcntl(probe_.get(), F_SETLEASE, F_UNLCK);
  return Usage::kIdle;
}

}  // namespace

std::unique_ptr<Memory> AllocateMemory(const std::string& name, uint64_t bytes) {
  return std::make_unique<MemfdMemory>(name, bytes);
}

}  // namespace grabfs
