// SPDX-License-Identifier: Apache-2.0
//
// Who uses one file of alloc/: which handles are open, whether it may be mapped, whether a device
// fills it.
//
// Threads: any. All functions are quick, except AwaitClose().
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

#include "fusefs/alloc/storage.h"
#include "fusefs/base/caller.h"
#include "fusefs/base/mutex.h"

namespace grabfs::alloc {

class Uses {
 public:
  using Handle = uint64_t;  // one open file description
  static constexpr Handle kNoHandle = 0;

  // `direct`: can the file use passthrough? Called with the mutex held, for the first handle only;
  // its answer holds while anybody has the file open.
  [[nodiscard]] Handle Opened(const Caller& caller, const std::function<bool()>& direct);
  // `may_be_mapped`: a mapping made through the handle may still exist. True: it was the last
  // handle.
  bool Closed(Handle handle, bool may_be_mapped);
  [[nodiscard]] bool open() const;
  [[nodiscard]] bool direct() const;

  // Whether anybody but `own` and the thread of `caller` has the file open, or had it open and may
  // have mapped it. (O_TRUNC comes without a handle, from a thread that is opening the file.)
  [[nodiscard]] bool Elsewhere(const Caller& caller, Handle own) const;
  // Waits a moment for RELEASE requests under way: the kernel sends them a little after close().
  void AwaitClose(Handle own);

  // Whether the memory says that nobody has it open or mapped.
  struct Probe {
    std::function<bool()> idle;
    bool exclusive = false;  // nobody may open the file meanwhile: asked with the mutex held
  };
  // Open, mapped, or being filled. False is certain.
  [[nodiscard]] bool InUse(const Probe& probe);
  [[nodiscard]] bool InUse(Storage& storage) {
    return InUse({[&storage] { return storage.Idle(); }, storage.leases()});
  }

  // A device begins to write the first `bytes`, at least 1. Throws Error(EBUSY) if one does
  // already.
  void BeginFill(uint64_t bytes);
  [[nodiscard]] uint64_t filling() const;  // 0: none
  void EndFill();

 private:
  mutable Mutex mutex_;              // guards all below; before that of Contents
  std::map<Handle, pid_t> handles_;  // and the thread that opened it
  Condition closed_;                 // one fewer of them
  Handle next_handle_ = kNoHandle + 1;
  bool direct_ = false;
  bool may_be_mapped_ = false;  // through a closed handle
  uint64_t closings_ = 0;       // counts closes after which a mapping may exist
  uint64_t filling_ = 0;        // bytes; 0: no device fills it
};

}  // namespace grabfs::alloc
