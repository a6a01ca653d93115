// SPDX-License-Identifier: Apache-2.0
//
// The memory of one frame buffer: a regular file whose pages the daemon has mapped, so that the
// same pages can be filled by a device, served by read() and handed to readers by FUSE passthrough.
//
// Memory says who else uses the file; it knows nothing of frames, sequences or FUSE.
#pragma once

#include <sys/types.h>

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
  // Cheap enough (about 10 us) to be asked under a lock. Only meaningful while no FUSE open of the
  // frame is outstanding: the probe may take a lease, which would make such an open wait.
  [[nodiscard]] virtual Usage Probe() = 0;
  // True when nobody else has either file open or mapped; false also when that cannot be told.
  [[nodiscard]] virtual bool Unused() = 0;

 protected:
  Memory() = default;
  std::span<std::byte> bytes_;  // mapped and unmapped by the derived class
};

// Memory that a certain device can fill, for others than the device's own buffers. Threads: any.
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
  // outlive the allocator and the device. Throws Error (ENOMEM, ENODEV).
  [[nodiscard]] virtual Allocated Allocate(const std::string& name, uint64_t bytes,
                                           pid_t caller) = 0;

 protected:
  MemoryAllocator() = default;
};

// Anonymous page-cache memory: a sealed memfd that can neither grow nor shrink, of 2 MiB pages as
// far as the kernel gives them (MADV_COLLAPSE, Linux 6.1), populated, zeroed. Charged to the
// daemon's memory cgroup. Throws Error (ENOMEM, EINVAL for 0 bytes); `name` shows in /proc.
// `pages` kSmall: for devices that cannot be given the large ones.
enum class PageSize { kLarge, kSmall };
std::unique_ptr<Memory> AllocateMemory(const std::string& name, uint64_t bytes,
                                       PageSize pages = PageSize::kLarge);

}  // namespace grabfs
