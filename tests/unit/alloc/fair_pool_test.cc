// SPDX-License-Identifier: Apache-2.0
//
// Nobody's work waits for that of another user, and the small is not behind the large.
#include "fusefs/alloc/fair_pool.h"

#include <gtest/gtest.h>

#include <future>
#include <semaphore>
#include <vector>

namespace grabfs::alloc {
namespace {

// Work that hangs until it is let go.
class Hanging {
 public:
  [[nodiscard]] FairPool::Slice Slice() {
    return [this] {
      begun_.release();
      go_on_.acquire();
      return false;
    };
  }
  void AwaitBegin() { begun_.acquire(); }
  void LetGo() { go_on_.release(); }

 private:
  std::counting_semaphore<> begun_{0};
  std::counting_semaphore<> go_on_{0};
};

TEST(FairPool, OneUserDoesNotWaitForAnother) {
  Hanging hanging;
  FairPool pool;
  for (uid_t user = 1; user <= 20; ++user) {
    pool.Post(user, hanging.Slice());
    hanging.AwaitBegin();
  }
  std::promise<void> done;
  pool.Post(21, [&done] {
    done.set_value();
    return false;
  });
  done.get_future().wait();
  for (uid_t user = 1; user <= 20; ++user) hanging.LetGo();
}

TEST(FairPool, AUserHasOneThreadAtATime) {
  Hanging hanging;
  std::vector<int> order;
  FairPool pool;
  pool.Post(1, hanging.Slice());
  hanging.AwaitBegin();
  for (int i = 0; i < 3; ++i) {
    pool.Post(1, [&order, i] {
      order.push_back(i);
      return false;
    });
  }
  hanging.LetGo();
  pool.AwaitIdle();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(FairPool, WhatAUserHasOrderedIsDoneInTurns) {
  Hanging first;
  std::vector<char> order;
  FairPool pool;
  pool.Post(1, first.Slice());
  first.AwaitBegin();
  const auto count = [&order](char name, int slices) {
    return [&order, name, left = slices]() mutable {
      order.push_back(name);
      return --left > 0;
    };
  };
  pool.Post(1, count('a', 4));
  pool.Post(1, count('b', 1));
  pool.Post(1, count('c', 2));
  first.LetGo();
  pool.AwaitIdle();
  EXPECT_EQ(std::string(order.begin(), order.end()), "abcacaa");
}

TEST(FairPool, ItEndsWhenEverythingIsDone) {
  int slices = 0;
  {
    FairPool pool;
    pool.Post(1, [&slices] { return ++slices < 10; });
  }
  EXPECT_EQ(slices, 10);
}

}  // namespace
}  // namespace grabfs::alloc
