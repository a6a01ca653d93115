// SPDX-License-Identifier: Apache-2.0
#include "cli/base/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>

namespace grabfs::cli {
namespace {

TEST(WorkerPool, DoesEveryTask) {
  std::atomic<int> sum = 0;
  std::vector<std::future<void>> done;
  WorkerPool pool(3);
  for (int i = 1; i <= 100; ++i) {
    WorkerPool::Task task([&sum, i] { sum += i; });
    done.push_back(task.get_future());
    pool.Submit(std::move(task));
  }
  for (auto& future : done) future.get();
  EXPECT_EQ(sum, 5050);
}

TEST(WorkerPool, AnExceptionReachesWhoeverAsksForTheResult) {
  WorkerPool pool(1);
  WorkerPool::Task task([] { throw std::runtime_error("disk full"); });
  std::future<void> done = task.get_future();
  pool.Submit(std::move(task));
  EXPECT_THROW(done.get(), std::runtime_error);
}

TEST(WorkerPool, AtItsEndTheTaskUnderWayIsFinished) {
  std::promise<void> begun;
  std::atomic<bool> finished = false;
  {
    WorkerPool pool(1);
    pool.Submit(WorkerPool::Task([&] {
      begun.set_value();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      finished = true;
    }));
    begun.get_future().wait();
  }
  EXPECT_TRUE(finished);
}

}  // namespace
}  // namespace grabfs::cli
