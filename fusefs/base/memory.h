// SPDX-License-Identifier: Apache-2.0
//
// The memory of one frame buffer: a regular file whose pages the daemon has mapped, so that the
// same pages can be filled by a device, served by read() and handed to readers by FUSE passthrough.
//
// Memory reports whether others use the file; it knows nothing of frames, sequences or FUSE.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "fusefs/base/unique_fd.h"

namespace grabfs {

class Memory {
 public:
  // Who uses the file of a frame, besides the daemon itself?
  enum class Usage {
    kIdle,     // nobody has it open or mapped
    kInUse,    // a reader of the frame still has it open or mapped
    kUnclear,  // somebody has it open or mapped, perhaps only a follower of the live buffer
  };

  virtual ~Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // Exact size in bytes; the file has this size too.
  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
  // The file behind buffers/NNN.raw, readable and writable. Owned by this object.
  [[nodiscard]] virtual int live_fd() const = 0;
  // The file behind frames/NNN.raw; the same pages. Owned by this object.
  [[nodiscard]] virtual int frame_fd() const = 0;
  // Cheap enough (about 10 us) to be called under a lock. The caller makes sure that no FUSE open
  // of the frame is under way: the probe may take a lease, and the open would wait for it.
  [[nodiscard]] virtual Usage Probe() = 0;
  // True when nobody else has either file open or mapped; false also when that is unknown.
  [[nodiscard]] virtual bool Unused() = 0;

  // Whether Probe() also sees pages in flight: in a pipe, in a socket, under disk I/O. Where it
  // does not, the ring has memory renewed before it is filled again, if pages of it may be in
  // flight.
  [[nodiscard]] virtual bool SeesPages() const { return true; }
  // Replaces the pages of the file by new ones, zeroed and populated. Pipes and sockets that refer
  // to the old pages keep them. File, mapping and seals stay the same. Takes about 2 ms for 8 MiB.
  // False: there is no memory now; then the contents are undefined, and missing pages are allocated
  // at the first access. Not while the frame in it is wanted; one thread at a time.
  [[nodiscard]] virtual bool Renew() { return false; }
  // How often Renew() has replaced the pages. A source whose driver has pinned the pages compares
  // this number to learn that it must hand them over anew. Any thread.
  [[nodiscard]] uint64_t renewals() const { return renewals_; }

 protected:
  Memory() = default;
  std::span<std::byte> bytes_;  // mapped and unmapped by the derived class
  std::atomic<uint64_t> renewals_ = 0;
};

// Allocates memory that one certain device can fill, beside the device's own buffers: for files of
// alloc/. Threads: any.
class MemoryAllocator {
 public:
  virtual ~MemoryAllocator() = default;
  MemoryAllocator(const MemoryAllocator&) = delete;
  MemoryAllocator& operator=(const MemoryAllocator&) = delete;

  struct Allocated {
    std::shared_ptr<Memory> memory;
    bool charged_to_caller;
  };

  // Zeroed, and charged to the memory cgroup of process `caller` where that is possible. May
  // outlive the allocator and the device. Throws Error (ENOMEM, EDQUOT, ENOBUFS, ENODEV).
  [[nodiscard]] virtual Allocated Allocate(const std::string& name, uint64_t bytes,
                                           pid_t caller) = 0;

 protected:
  MemoryAllocator() = default;
};

// A memfd sealed against growing and shrinking, populated and zeroed, of 2 MiB pages as far as the
// kernel has them (MADV_COLLAPSE, Linux 6.1). Charged to the daemon's memory cgroup. Throws Error
// (ENOMEM, EINVAL for 0 bytes); `name` shows in /proc. `pages` kSmall: for drivers that cannot take
// huge pages.
enum class PageSize { kLarge, kSmall };
std::unique_ptr<Memory> AllocateMemory(const std::string& name, uint64_t bytes,
                                       PageSize pages = PageSize::kLarge);

}  // namespace grabfs
