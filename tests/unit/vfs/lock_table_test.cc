// SPDX-License-Identifier: Apache-2.0
//
// flock(2) as its manual page describes it, and what a lock means for the file it is on.
#include "fusefs/vfs/lock_table.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace grabfs {
namespace {

using Mode = LockTable::Mode;
using Outcome = LockTable::Outcome;
constexpr uint64_t kFile = 7;

class LockTableTest : public ::testing::Test {
 protected:
  Outcome Lock(uint64_t owner, Mode mode, bool wait = false) {
    return Lock({owner, owner}, mode, wait);
  }
  Outcome Lock(LockTable::Asker asker, Mode mode, bool wait) {
    return table_.Lock(kFile, asker, mode, wait,
                       {[this] {
                          ++acquired_;
                          return may_acquire_;
                        },
                        [this] { ++released_; }},
                       [this, asker] { granted_.push_back(asker.id); });
  }

  LockTable table_;
  bool may_acquire_ = true;
  int acquired_ = 0;
  int released_ = 0;
  std::vector<uint64_t> granted_;
};

TEST_F(LockTableTest, SharedLocksLiveTogetherAndHoldTheFileOnce) {
  EXPECT_EQ(Lock(1, Mode::kShared), Outcome::kGranted);
  EXPECT_EQ(Lock(2, Mode::kShared), Outcome::kGranted);
  EXPECT_EQ(acquired_, 1);
  table_.Unlock(kFile, 1);
  EXPECT_EQ(released_, 0);
  table_.Unlock(kFile, 2);
  EXPECT_EQ(released_, 1);
}

TEST_F(LockTableTest, AnExclusiveLockKeepsOthersOut) {
  EXPECT_EQ(Lock(1, Mode::kExclusive), Outcome::kGranted);
  EXPECT_EQ(Lock(2, Mode::kShared), Outcome::kWouldBlock);
  EXPECT_EQ(Lock(2, Mode::kExclusive), Outcome::kWouldBlock);
}

TEST_F(LockTableTest, WaitersAreServedInTheOrderInWhichTheyCame) {
  EXPECT_EQ(Lock(1, Mode::kExclusive), Outcome::kGranted);
  EXPECT_EQ(Lock(2, Mode::kShared, true), Outcome::kWaiting);
  EXPECT_EQ(Lock(3, Mode::kShared, true), Outcome::kWaiting);
  EXPECT_EQ(Lock(4, Mode::kExclusive, true), Outcome::kWaiting);
  table_.Unlock(kFile, 1);
  EXPECT_EQ(granted_, (std::vector<uint64_t>{2, 3}));
  table_.Unlock(kFile, 2);
  table_.Unlock(kFile, 3);
  EXPECT_EQ(granted_, (std::vector<uint64_t>{2, 3, 4}));
}

TEST_F(LockTableTest, ANewcomerDoesNotOvertakeAWaiter) {
  EXPECT_EQ(Lock(1, Mode::kShared), Outcome::kGranted);
  EXPECT_EQ(Lock(2, Mode::kExclusive, true), Outcome::kWaiting);
  EXPECT_EQ(Lock(3, Mode::kShared), Outcome::kWouldBlock);
}

TEST_F(LockTableTest, ALockCanBeConverted) {
  EXPECT_EQ(Lock(1, Mode::kShared), Outcome::kGranted);
  EXPECT_EQ(Lock(1, Mode::kExclusive), Outcome::kGranted);
  EXPECT_EQ(Lock(2, Mode::kShared, true), Outcome::kWaiting);
  EXPECT_EQ(Lock(1, Mode::kShared), Outcome::kGranted);
  EXPECT_EQ(granted_, (std::vector<uint64_t>{2}));
  EXPECT_EQ(released_, 0) << "the file stayed locked all the time";
}

TEST_F(LockTableTest, AFileThatCannotBeHeldYetMakesLockersWait) {
  may_acquire_ = false;
  EXPECT_EQ(Lock(1, Mode::kShared), Outcome::kWouldBlock);
  EXPECT_EQ(Lock(1, Mode::kShared, true), Outcome::kWaiting);
  table_.Retry(kFile);
  EXPECT_TRUE(granted_.empty());
  may_acquire_ = true;
  table_.Retry(kFile);
  EXPECT_EQ(granted_, (std::vector<uint64_t>{1}));
}

TEST_F(LockTableTest, AGivenUpWaitIsNeverGranted) {
  EXPECT_EQ(Lock(1, Mode::kExclusive), Outcome::kGranted);
  EXPECT_EQ(Lock(2, Mode::kShared, true), Outcome::kWaiting);
  EXPECT_TRUE(table_.Cancel(kFile, 2));
  EXPECT_FALSE(table_.Cancel(kFile, 2));
  table_.Unlock(kFile, 1);
  EXPECT_TRUE(granted_.empty());
  EXPECT_EQ(released_, 1);
}

TEST_F(LockTableTest, GivingUpLetsTheNextOneThrough) {
  EXPECT_EQ(Lock(1, Mode::kShared), Outcome::kGranted);
  EXPECT_EQ(Lock(2, Mode::kExclusive, true), Outcome::kWaiting);
  EXPECT_EQ(Lock(3, Mode::kShared, true), Outcome::kWaiting);
  EXPECT_TRUE(table_.Cancel(kFile, 2));
  EXPECT_EQ(granted_, (std::vector<uint64_t>{3}));
}

// Processes that share an open file description, after fork(), are one owner and several waiters.
TEST_F(LockTableTest, ARequestIsGivenUpAloneAmongThoseOfItsOwner) {
  EXPECT_EQ(Lock(1, Mode::kExclusive), Outcome::kGranted);
  EXPECT_EQ(Lock({2, 21}, Mode::kShared, true), Outcome::kWaiting);
  EXPECT_EQ(Lock({2, 22}, Mode::kShared, true), Outcome::kWaiting);
  EXPECT_TRUE(table_.Cancel(kFile, 21));
  table_.Unlock(kFile, 1);
  EXPECT_EQ(granted_, (std::vector<uint64_t>{22}));
}

TEST_F(LockTableTest, AnUnlockDoesNotEndTheWaitOfAnotherRequestOfTheOwner) {
  EXPECT_EQ(Lock(1, Mode::kShared), Outcome::kGranted);
  EXPECT_EQ(Lock({2, 20}, Mode::kShared, true), Outcome::kGranted);
  EXPECT_EQ(Lock({2, 21}, Mode::kExclusive, true), Outcome::kWaiting);
  table_.Unlock(kFile, 2);
  EXPECT_TRUE(granted_.empty());
  table_.Unlock(kFile, 1);
  EXPECT_EQ(granted_, (std::vector<uint64_t>{21}));
}

TEST_F(LockTableTest, UnlockingWhatIsNotLockedDoesNothing) {
  table_.Unlock(kFile, 1);
  table_.Retry(kFile);
  EXPECT_EQ(released_, 0);
}

TEST(LockTableThreadsTest, ExclusiveMeansOneAtATime) {
  LockTable table;
  int inside = 0;  // protected by the lock under test
  std::vector<std::thread> threads;
  for (uint64_t owner = 1; owner <= 4; ++owner) {
    threads.emplace_back([&table, &inside, owner] {
      for (int i = 0; i < 2000; ++i) {
        while (table.Lock(kFile, {owner, owner}, Mode::kExclusive, false, {}, nullptr) !=
               Outcome::kGranted) {
          std::this_thread::yield();
        }
        EXPECT_EQ(++inside, 1);
        --inside;
        table.Unlock(kFile, owner);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace grabfs
