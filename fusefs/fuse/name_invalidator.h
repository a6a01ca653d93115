// SPDX-License-Identifier: Apache-2.0
//
// Invalidates names in the kernel's dentry cache when their files are gone.
//
// To invalidate a name the kernel takes the inode lock of its directory. A process that lists the
// directory holds that lock, too, while the kernel copies names into its memory. The copy may block
// for ever (userfaultfd), and a writer that waits for the lock keeps all later readers out. So no
// name is invalidated while a process has the directory open, and an opening waits while a name is
// being invalidated, which takes microseconds. A name that could not be invalidated expires
// (kBriefly in vfs/entry.h); opening it gives ESTALE, and then the kernel looks it up again.
//
// A process that may change the directory can hold the lock in other ways. So the invalidation runs
// in a thread of its own that no other thread waits for; it is not even joined.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "fusefs/vfs/file_system.h"

namespace grabfs {

// Threads: any. Callbacks are called without a lock held.
class NameInvalidator {
 public:
  // Tells the kernel that the name is gone; may wait for the directory's lock, even for ever. So it
  // must own all that it refers to: it may outlive the NameInvalidator.
  using Notify = std::function<void(const Kernel::Name& name)>;
  // Replies to an OPENDIR request. False: the client was interrupted, so no RELEASEDIR will come.
  using Reply = std::function<bool()>;

  // At most so many names of a directory wait for their invalidation; beyond that, the oldest is
  // dropped and just expires.
  static constexpr size_t kMaxWaiting = 4096;

  explicit NameInvalidator(Notify notify);
  // Names that still wait are dropped, and expire.
  ~NameInvalidator();
  NameInvalidator(const NameInvalidator&) = delete;
  NameInvalidator& operator=(const NameInvalidator&) = delete;

  // For OPENDIR: calls `reply` at once, or later from the thread, when the name that is being
  // invalidated is done.
  void Opened(uint64_t directory, Reply reply);
  // For RELEASEDIR: once for each opening whose `reply` returned true.
  void Closed(uint64_t directory);
  // Tells the kernel, soon, or as soon as no process has the directory open. Releases `done` when
  // the kernel has been told, or at once if the directory is open now.
  void Invalidate(Kernel::Name name, std::shared_ptr<void> done);

 private:
  class State;
  const std::shared_ptr<State> state_;  // shared with the thread
};

// Writes FUSE_NOTIFY_DELETE, or without an inode number FUSE_NOTIFY_INVAL_ENTRY. `session`: a
// descriptor of /dev/fuse.
void SendNameInvalidation(int session, const Kernel::Name& name);

}  // namespace grabfs
