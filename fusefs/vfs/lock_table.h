// SPDX-License-Identifier: Apache-2.0
//
// flock(2) for the files of the mount. The kernel passes these locks to the daemon, because a lock
// on a buffer holds it: capture does not fill a locked buffer.
//
// Threads: any. `granted` and `release` are called without a lock held; `acquire` is called with
// the table's mutex held and must not call back.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "fusefs/base/mutex.h"

namespace grabfs {

class LockTable {
 public:
  enum class Mode { kShared, kExclusive };
  enum class Outcome { kGranted, kWaiting, kWouldBlock };
  // What a lock does to the file. `acquire` is called before the file gets its first lock; false:
  // not now, wait for Retry(). `release` is called after the last lock has gone.
  struct Hold {
    std::function<bool()> acquire;
    std::function<void()> release;
  };
  using Granted = std::function<void()>;
  // A request for a lock. The lock belongs to `owner`, an open file description. Processes that
  // share one may wait at the same time, so each request has an `id` of its own.
  struct Asker {
    uint64_t owner;
    uint64_t id;
    std::shared_ptr<void> share = {};  // kept while the lock is waited for or held
  };

  // Locks `inode`, or converts the owner's lock. kWaiting: `granted` is called later, by the thread
  // that makes it possible, unless Cancel() comes first.
  Outcome Lock(uint64_t inode, Asker asker, Mode mode, bool wait, const Hold& hold,
               Granted granted);
  // Ends the lock of `owner`. Waiting requests of the same owner go on waiting.
  void Unlock(uint64_t inode, uint64_t owner);
  // Ends a wait. True: `granted` will not be called.
  bool Cancel(uint64_t inode, uint64_t id);
  // Tries again to grant locks of this inode, because `acquire` may succeed now.
  void Retry(uint64_t inode);

 private:
  struct Owner {
    Mode mode;
    std::shared_ptr<void> share;
  };
  struct Waiter {
    Asker asker;
    Mode mode;
    Granted granted;
  };
  struct File {
    Hold hold;
    bool held = false;
    std::map<uint64_t, Owner> owners;
    std::list<Waiter> waiters;  // first come, first served
  };
  // Calls to be made without the mutex.
  using Calls = std::vector<std::function<void()>>;

  // All expect mutex_ to be held.
  static bool Compatible(const File& file, uint64_t owner, Mode mode);
  static bool TryGrant(File& file, const Asker& asker, Mode mode);
  void GrantWaiters(std::map<uint64_t, File>::iterator file, Calls& calls);

  Mutex mutex_;  // guards files_; before Ring's (through acquire)
  std::map<uint64_t, File> files_;
};

}  // namespace grabfs
