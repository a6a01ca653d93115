// SPDX-License-Identifier: Apache-2.0
//
// The task thread: order, bounds, the recurring task, and an end that loses nothing.
#include "fusefs/base/task_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <future>
#include <stdexcept>
#include <vector>

namespace grabfs {
namespace {

using std::chrono::milliseconds;
using Delay = std::optional<milliseconds>;

constexpr milliseconds kForever{100'000'000};
constexpr std::chrono::seconds kPatience{30};

// A task that keeps the thread busy until it is opened.
class Gate {
 public:
  TaskThread::Task Task() {
    return [this] {
      entered_.set_value();
      open_.get_future().wait();
    };
  }
  void WaitUntilEntered() { entered_.get_future().wait(); }
  void Open() { open_.set_value(); }

 private:
  std::promise<void> entered_;
  std::promise<void> open_;
};

Delay Never() { return std::nullopt; }

TEST(TaskThread, RunsTasksInTheOrderOfPosting) {
  std::vector<int> done;
  TaskThread thread;
  thread.Start(Never);
  for (int i = 0; i < 1000; ++i) thread.Post([&done, i] { done.push_back(i); });
  thread.Stop();
  ASSERT_EQ(done.size(), 1000U);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(done[static_cast<size_t>(i)], i);
}

TEST(TaskThread, StoppingWaitsForWhatIsPosted) {
  Gate gate;
  bool done = false;
  TaskThread thread;
  thread.Start(Never);
  thread.Post(gate.Task());
  gate.WaitUntilEntered();
  thread.Post([&done] { done = true; });
  gate.Open();
  thread.Stop();
  EXPECT_TRUE(done);
}

TEST(TaskThread, StoppingIsHarmlessWithoutStartAndTwice) {
  TaskThread idle;
  idle.Stop();
  TaskThread thread;
  thread.Start(Never);
  thread.Stop();
  thread.Stop();
}

TEST(TaskThread, ATaskMayPostAnother) {
  std::promise<void> done;
  TaskThread thread;
  thread.Start(Never);
  thread.Post([&] { thread.Post([&done] { done.set_value(); }); });
  EXPECT_EQ(done.get_future().wait_for(kPatience), std::future_status::ready);
}

TEST(TaskThread, ATaskThatThrowsFailsAlone) {
  bool done = false;
  TaskThread thread;
  thread.Start([]() -> Delay { throw std::runtime_error("recurring"); });
  thread.Wake(milliseconds(0));
  thread.Post([] { throw std::runtime_error("task"); });
  thread.Post([] { throw 1; });
  thread.Post([&done] { done = true; });
  thread.Stop();
  EXPECT_TRUE(done);
}

TEST(TaskThread, TheRecurringTaskRunsOnlyWhenWoken) {
  std::atomic<int> runs = 0;
  TaskThread thread;
  thread.Start([&runs]() -> Delay {
    ++runs;
    return std::nullopt;
  });
  thread.Post([] {});
  thread.Stop();
  EXPECT_EQ(runs, 0);
}

TEST(TaskThread, TheRecurringTaskRunsAgainAfterTheTimeThatItAsksFor) {
  std::promise<void> third;
  int runs = 0;
  TaskThread thread;
  thread.Start([&]() -> Delay {
    if (++runs < 3) return milliseconds(1);
    third.set_value();
    return std::nullopt;
  });
  thread.Wake(milliseconds(0));
  EXPECT_EQ(third.get_future().wait_for(kPatience), std::future_status::ready);
}

TEST(TaskThread, AnEarlierWakeUpWinsAndALaterOneChangesNothing) {
  std::promise<void> ran;
  TaskThread thread;
  thread.Start([&ran]() -> Delay {
    ran.set_value();
    return std::nullopt;
  });
  thread.Wake(kForever);
  thread.Wake(milliseconds(1));
  thread.Wake(kForever);
  EXPECT_EQ(ran.get_future().wait_for(kPatience), std::future_status::ready);
}

TEST(TaskThread, StopsWithoutWaitingForTheRecurringTask) {
  TaskThread thread;
  thread.Start(Never);
  thread.Wake(kForever);
  thread.Stop();
}

TEST(TaskThread, TakesNoSignals) {
  std::promise<bool> blocked;
  TaskThread thread;
  thread.Start(Never);
  thread.Post([&blocked] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    blocked.set_value(sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1);
  });
  EXPECT_TRUE(blocked.get_future().get());
  sigset_t own;
  pthread_sigmask(SIG_SETMASK, nullptr, &own);
  EXPECT_EQ(sigismember(&own, SIGTERM), 0);
}

}  // namespace
}  // namespace grabfs
