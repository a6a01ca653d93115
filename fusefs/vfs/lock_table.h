// SPDX-License-Identifier: Apache-2.0
//
// flock(2) for the files of the mount. The kernel hands these locks to the daemon because a lock on
// a live buffer holds the buffer: capture goes round it.
//
// Threads: any. Grants and the hold hooks are called without the table's lock, except `acquire`,
// which is called under it and must not call back.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace grabfs {

class LockTable {
 public:
  enum class Mode { kShared, kExclusive };
  enum class Outcome { kGranted, kWaiting, kWouldBlock };
  // What being locked means for the file: `acquire` is asked when it is about to become locked and
  // may refuse for now; `release` is told when it is unlocked.
  struct Hold {
    std::function<bool()> acquire;
    std::function<void()> release;
  };
  using Granted = std::function<void()>;
  // Who asks for a lock. The lock belongs to `owner`, an open file description; processes that
  // share one may wait at the same time, so each request has an `id` of its own.
  struct Asker {
    uint64_t owner;
    uint64_t id;
    std::shared_ptr<void> share = {};  // kept for as long as he waits for the lock or has it
  };

  // Locks `inode`, converting a lock that the owner has. kWaiting: `granted` is called later, by
  // the thread that makes it possible, unless cancelled.
  Outcome Lock(uint64_t inode, Asker asker, Mode mode, bool wait, const Hold& hold,
               Granted granted);
  // Gives up the lock. Whoever waits, waits on: his request is another's than the one that unlocks.
  void Unlock(uint64_t inode, uint64_t owner);
  // Gives up a wait; true: `granted` will not be called.
  bool Cancel(uint64_t inode, uint64_t id);
  // The hold of this inode may be acquired now.
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
  // Calls to be made once the lock is released.
  using Calls = std::vector<std::function<void()>>;

  // All expect mutex_ to be held.
  static bool Compatible(const File& file, uint64_t owner, Mode mode);
  static bool TryGrant(File& file, const Asker& asker, Mode mode);
  void Settle(std::map<uint64_t, File>::iterator file, Calls& calls);

  std::mutex mutex_;  // guards files_; before Ring's (through acquire)
  std::map<uint64_t, File> files_;
};

}  // namespace grabfs
