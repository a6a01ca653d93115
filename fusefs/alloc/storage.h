// SPDX-License-Identifier: Apache-2.0
//
// The pages of one file of alloc/: a backing file for FUSE passthrough, which can be mapped for a
// device to fill.
//
// Threads: any, but one Change at a time, and none while the file is written or filled.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "fusefs/base/caller.h"
#include "fusefs/base/charge.h"
#include "fusefs/base/memory.h"

namespace grabfs::alloc {

// Which cgroup memory is charged to, and when to give up.
struct Payer {
  Caller caller;
  Account account;
  std::function<bool()> gives_up;  // called now and then meanwhile; true: stop. May be null
};

class Storage {
 public:
  // A change of the size or of the reserved memory. The destructor undoes it unless it was
  // committed. The destructor may take long, also after Commit(), because it frees memory.
  class Change {
   public:
    virtual ~Change() = default;
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

    // Does some milliseconds of the work. True: there is more. Throws Error: ENOSPC if there is not
    // enough memory, EINTR if `gives_up` said so.
    virtual bool Work(const Payer& payer) = 0;
    // After the last slice: makes the change effective. Quick.
    virtual void Commit() noexcept = 0;

   protected:
    Change() = default;
  };

  virtual ~Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  // Readable and writable. -1: there is none while there are no bytes.
  [[nodiscard]] virtual int fd() const = 0;
  // Another owner of `fd`, which keeps it open after the end of this object; may be null.
  [[nodiscard]] virtual std::shared_ptr<const void> pages() const = 0;
  // How many bytes from the beginning have memory.
  [[nodiscard]] virtual uint64_t bytes() const = 0;
  // Whether fd() stays the same file when the size changes, and a write behind the end, up to
  // bytes(), makes the file longer.
  [[nodiscard]] virtual bool resizes_in_place() const = 0;
  // Whether the last allocation was charged to the memory cgroup of the caller.
  [[nodiscard]] virtual bool charged_to_caller() const = 0;

  // Changes the size from `size` to `bytes`. The contents up to the smaller of the two stay; new
  // bytes are zero and have memory. A file that shrinks keeps no memory behind the end.
  [[nodiscard]] virtual std::unique_ptr<Change> Resize(uint64_t size, uint64_t bytes) = 0;
  // Allocates memory for the first `bytes`, which are more than bytes(), without a change of the
  // size. Throws Error(EOPNOTSUPP) if this storage cannot do that.
  [[nodiscard]] virtual std::unique_ptr<Change> Reserve(uint64_t bytes) = 0;

  // Frees the memory behind the first `bytes`, which must be at least the size of the file.
  virtual void Release(uint64_t bytes) noexcept = 0;

  // True when nobody else has the file open or mapped. Quick.
  [[nodiscard]] virtual bool Idle() = 0;
  // Idle() takes a lease for a moment: an open with O_NONBLOCK would fail meanwhile.
  [[nodiscard]] virtual bool leases() const = 0;
  // Maps the first `bytes` for a device to fill. Valid until the next change.
  [[nodiscard]] virtual std::shared_ptr<Memory> Map(uint64_t bytes) = 0;

 protected:
  Storage() = default;
};

}  // namespace grabfs::alloc
