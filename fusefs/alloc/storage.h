// SPDX-License-Identifier: Apache-2.0
//
// The pages of one file of alloc/: a regular file of the kernel's that can be handed to a reader by
// FUSE passthrough, and mapped for a device to fill.
//
// Threads: the owner serializes Resize() with everything else.
#pragma once

#include <cstdint>
#include <memory>

#include "fusefs/base/caller.h"
#include "fusefs/base/memory.h"

namespace grabfs::alloc {

class Storage {
 public:
  virtual ~Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  // Readable and writable, of exactly bytes() bytes. -1: there is none while there are no bytes.
  [[nodiscard]] virtual int fd() const = 0;
  [[nodiscard]] virtual uint64_t bytes() const = 0;
  // Whether fd() stays the same file when the size changes.
  [[nodiscard]] virtual bool resizes_in_place() const = 0;
  // Whether what was allocated last is charged to the memory cgroup of whoever asked for it.
  [[nodiscard]] virtual bool charged_to_caller() const = 0;

  // Keeps what fits of the contents; what is new is zero, and has its memory already. Throws
  // Error(ENOSPC) when there is not enough, and changes nothing.
  virtual void Resize(uint64_t bytes, const Caller& caller) = 0;
  // True when nobody else has the file open or mapped.
  [[nodiscard]] virtual bool Idle() = 0;
  // For a device to fill. Valid as long as the size does not change.
  [[nodiscard]] virtual std::shared_ptr<Memory> Map() = 0;

 protected:
  Storage() = default;
};

}  // namespace grabfs::alloc
