// SPDX-License-Identifier: Apache-2.0
//
// Who may wait for whom: a thread that must not wait is stopped where it would.
#include "fusefs/base/mutex.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace grabfs {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr char kAborted[] = "internal error: a thread must not wait for ";

TEST(MutexDeathTest, WhoMustNotWaitTakesNoLockThatSlowWorkHolds) {
  SlowMutex slow;
  SlowSharedMutex shared;
  const NoWaiting leader;
  EXPECT_DEATH(slow.lock(), kAborted);
  EXPECT_DEATH(shared.lock(), kAborted);
  EXPECT_DEATH(shared.lock_shared(), kAborted);
}

TEST(MutexDeathTest, WhoHoldsAMutexMustNotWait) {
  Mutex mutex;
  SlowMutex slow;
  const std::lock_guard lock(mutex);
  EXPECT_DEATH(slow.lock(), kAborted);
  EXPECT_DEATH(MayWait("a device"), "must not wait for a device");
}

TEST(MutexDeathTest, AConditionIsWaitedForWithItsOwnLockOnly) {
  Mutex mutex;
  Mutex other;
  Condition condition;
  std::unique_lock lock(mutex);
  EXPECT_FALSE(condition.wait_for(lock, milliseconds(1), [] { return false; }));
  const std::lock_guard too_much(other);
  EXPECT_DEATH(condition.wait(lock), kAborted);
}

TEST(Mutex, WhoMustNotWaitTakesAMutex) {
  Mutex mutex;
  const NoWaiting leader;
  const std::lock_guard lock(mutex);
}

TEST(Mutex, TryingIsNotWaiting) {
  SlowMutex slow;
  SlowSharedMutex shared;
  const NoWaiting leader;
  const std::unique_lock lock(slow, std::try_to_lock);
  EXPECT_TRUE(lock.owns_lock());
  const std::shared_lock shared_lock(shared, std::try_to_lock);
  EXPECT_TRUE(shared_lock.owns_lock());
}

TEST(Mutex, LongWorkIsLeftToThreadsThatHaveTime) {
  TakesTime();
  {
    const NoWaiting leader;
    EXPECT_THROW(TakesTime(), NeedsTime);
  }
  TakesTime();
  Mutex mutex;
  const std::lock_guard lock(mutex);
  TakesTime();  // others wait, but nobody else could begin again
}

TEST(Mutex, TheRuleEndsWithItsScope) {
  Mutex mutex;
  SlowMutex slow;
  {
    const NoWaiting leader;
    const NoWaiting nested;
    ASSERT_TRUE(mutex.try_lock());
    EXPECT_FALSE(mutex.try_lock());
    mutex.unlock();
  }
  const std::lock_guard lock(slow);
  MayWait("a device");
}

TEST(Mutex, TheRuleIsOfOneThread) {
  const NoWaiting leader;
  std::thread([] { MayWait("a device"); }).join();
}

TEST(Mutex, AConditionHasItsLockAgainAfterwards) {
  Mutex mutex;
  Condition condition;
  bool told = false;
  std::thread teller([&] {
    const std::lock_guard lock(mutex);
    told = true;
    condition.notify_all();
  });
  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(condition.wait_for(lock, hours(1), [&] { return told; }));
    EXPECT_TRUE(lock.owns_lock());
    std::thread([&] { EXPECT_FALSE(mutex.try_lock()); }).join();
    condition.wait_until(lock, std::chrono::steady_clock::now());
  }
  teller.join();
  MayWait("anything, now that the lock is given back");
}

}  // namespace
}  // namespace grabfs
