// SPDX-License-Identifier: Apache-2.0
//
// Frame memory on sealed memfds. The life of the pages is set up in the constructor; Probe() is the
// question that the ring asks before it lets a frame be overwritten.
#include "fusefs/base/memory.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "fusefs/base/error.h"
#include "fusefs/base/lease_probe.h"
#include "fusefs/base/mapping.h"
#include "fusefs/base/memory_limit.h"
#include "fusefs/base/mutex.h"
#include "fusefs/base/populate.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14
#endif

namespace grabfs {
namespace {

// memfd_create() takes no longer name.
constexpr size_t kMaxName = 249;
// No page of the page cache is larger, on any machine (arm64 with pages of 64 KiB).
constexpr uint64_t kLargestPage = uint64_t{512} << 20;

UniqueFd CreateFile(const std::string& name, uint64_t bytes, const std::string& what) {
  if (bytes == 0) throw Error(EINVAL, what + ": 0 bytes");
  UniqueFd fd(::memfd_create(name.substr(0, kMaxName).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  CheckSyscall(fd.get(), what + ": memfd_create");
  CheckSyscall(::ftruncate(fd.get(), static_cast<off_t>(bytes)), what + ": ftruncate");
  return fd;
}

// Without this check the OOM killer might end a process, perhaps the daemon.
bool IsAvailable(uint64_t bytes) {
  try {
    return AvailableMemory() >= bytes;
  } catch (const Error&) {
    return true;  // not known
  }
}

class MemfdMemory final : public Memory {
 public:
  MemfdMemory(const std::string& name, uint64_t bytes, PageSize pages);

  [[nodiscard]] int live_fd() const override { return fd_.get(); }
  [[nodiscard]] int frame_fd() const override { return fd_.get(); }
  [[nodiscard]] Usage Probe() override;
  [[nodiscard]] bool Unused() override { return probe_.Idle(); }
  [[nodiscard]] bool SeesPages() const override { return false; }
  [[nodiscard]] bool Renew() override;

 private:
  [[nodiscard]] int Populate();
  void Seal();

  const std::string what_;  // "memory NAME", for messages
  const PageSize pages_;
  UniqueFd fd_;
  Mapping mapping_;
  LeaseProbe probe_;
};

MemfdMemory::MemfdMemory(const std::string& name, uint64_t bytes, PageSize pages)
    : what_("memory " + name),
      pages_(pages),
      fd_(CreateFile(name, bytes, what_)),
      mapping_(fd_.get(), bytes, what_),
      probe_(fd_.get(), what_) {
  bytes_ = mapping_.bytes();
  if (const int code = Populate(); code != 0) {
    throw Error(code, what_ + ": no pages: " + ErrnoText(code));
  }
  Seal();
}

// Allocates every page, so that filling a frame later can neither fail for lack of memory (SIGBUS)
// nor take page faults. Returns 0 or the errno value.
int MemfdMemory::Populate() {
  if (pages_ == PageSize::kSmall) {
    // An administrator may have set huge pages for all shared memory.
    (void)::madvise(bytes_.data(), bytes_.size(), MADV_NOHUGEPAGE);
  } else if (const int code = PopulateFile(fd_.get(), bytes_, 0); code != 0) {
    return code;
  }
  MayWait("memory to be found");
  // EINVAL: before Linux 5.14 the first fill takes the page faults.
  const bool populated = ::madvise(bytes_.data(), bytes_.size(), MADV_POPULATE_WRITE) == 0;
  return populated || errno == EINVAL ? 0 : errno;
}

// A page that is punched out as a whole keeps its contents for pipes and sockets that refer to it.
// A page that is punched in part is zeroed in place, also a part of a huge page: hence the hole
// reaches to the end of the largest page that the file's last byte can be in. Pages without other
// references are freed. Only then is it checked whether there is memory: a program that collects
// pages of many frames in pipes gets an error before the machine runs out.
bool MemfdMemory::Renew() {
  MayWait("memory to be found");
  const uint64_t end = (bytes_.size() + kLargestPage - 1) / kLargestPage * kLargestPage;
  if (::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                  static_cast<off_t>(end)) != 0) {
    return false;
  }
  ++renewals_;
  return IsAvailable(bytes_.size()) && Populate() == 0;
}

void MemfdMemory::Seal() {
  CheckSyscall(::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL),
               what_ + ": F_ADD_SEALS");
}

// frames/ and buffers/ show the same file, so whoever has it open may use either: kUnclear. The
// same when the kernel refuses the lease for any other reason.
Memory::Usage MemfdMemory::Probe() { return probe_.Idle() ? Usage::kIdle : Usage::kUnclear; }

}  // namespace

std::unique_ptr<Memory> AllocateMemory(const std::string& name, uint64_t bytes, PageSize pages) {
  return std::make_unique<MemfdMemory>(name, bytes, pages);
}

}  // namespace grabfs
