// SPDX-License-Identifier: Apache-2.0
#include "fusefs/vfs/lock_table.h"

#include <algorithm>
#include <utility>

namespace grabfs {
namespace {

void Run(const std::vector<std::function<void()>>& calls) {
  for (const auto& call : calls) call();
}

}  // namespace

LockTable::Outcome LockTable::Lock(uint64_t inode, Asker asker, Mode mode, bool wait,
                                   const Hold& hold, Granted granted) {
  const uint64_t owner = asker.owner;
  Calls calls;
  Outcome outcome = Outcome::kWaiting;
  {
    const std::lock_guard lock(mutex_);
    const auto file = files_.try_emplace(inode).first;
    file->second.hold = hold;
    // A new lock does not overtake waiters. A conversion may, and releases the old lock first
    // (flock(2)).
    const bool fair = file->second.waiters.empty() || file->second.owners.contains(owner);
    file->second.owners.erase(owner);
    if (fair && TryGrant(file->second, asker, mode)) {
      outcome = Outcome::kGranted;
    } else if (wait) {
      file->second.waiters.push_back({asker, mode, std::move(granted)});
    } else {
      outcome = Outcome::kWouldBlock;
    }
    GrantWaiters(file, calls);
  }
  Run(calls);
  return outcome;
}

void LockTable::Unlock(uint64_t inode, uint64_t owner) {
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    const auto file = files_.find(inode);
    if (file == files_.end()) return;
    file->second.owners.erase(owner);
    GrantWaiters(file, calls);
  }
  Run(calls);
}

bool LockTable::Cancel(uint64_t inode, uint64_t id) {
  Calls calls;
  bool waited = false;
  {
    const std::lock_guard lock(mutex_);
    const auto file = files_.find(inode);
    if (file == files_.end()) return false;
    waited = file->second.waiters.remove_if(
                 [&](const Waiter& waiter) { return waiter.asker.id == id; }) > 0;
    GrantWaiters(file, calls);
  }
  Run(calls);
  return waited;
}

void LockTable::Retry(uint64_t inode) {
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    const auto file = files_.find(inode);
    if (file == files_.end()) return;
    GrantWaiters(file, calls);
  }
  Run(calls);
}

bool LockTable::Compatible(const File& file, uint64_t owner, Mode mode) {
  return std::ranges::all_of(file.owners, [&](const auto& other) {
    return other.first == owner || (mode == Mode::kShared && other.second.mode == Mode::kShared);
  });
}

bool LockTable::TryGrant(File& file, const Asker& asker, Mode mode) {
  if (!Compatible(file, asker.owner, mode)) return false;
  if (!file.held && file.hold.acquire) {
    if (!file.hold.acquire()) return false;
    file.held = true;
  }
  file.owners[asker.owner] = {mode, asker.share};
  return true;
}

void LockTable::GrantWaiters(std::map<uint64_t, File>::iterator it, Calls& calls) {
  File& file = it->second;
  while (!file.waiters.empty()) {
    Waiter& first = file.waiters.front();
    if (!TryGrant(file, first.asker, first.mode)) break;
    calls.push_back(std::move(first.granted));
    file.waiters.pop_front();
  }
  if (!file.owners.empty()) return;
  if (std::exchange(file.held, false)) calls.push_back(file.hold.release);
  if (file.waiters.empty()) files_.erase(it);
}

}  // namespace grabfs
