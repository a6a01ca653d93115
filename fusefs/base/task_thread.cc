// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/task_thread.h"

#include <utility>

#include "fusefs/base/thread.h"

namespace grabfs {

void TaskThread::Start(std::function<std::optional<std::chrono::milliseconds>()> recurring) {
  recurring_ = std::move(recurring);
  thread_ = StartThread("a thread of tasks", [this] { Run(); });
}

void TaskThread::Stop() {
  MayWait("a thread to end");
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void TaskThread::Post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
}

void TaskThread::Wake(std::chrono::milliseconds delay) {
  {
    const std::lock_guard lock(mutex_);
    const auto wanted = Clock::now() + delay;
    if (due_ && *due_ <= wanted) return;
    due_ = wanted;
  }
  changed_.notify_one();
}

void TaskThread::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!tasks_.empty()) {
      const Task task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      CatchAndLog("a task", task);
      lock.lock();
    } else if (stop_) {
      return;
    } else if (due_ && Clock::now() >= *due_) {
      due_.reset();
      lock.unlock();
      CatchAndLog("a recurring task", [this] {
        if (const auto again = recurring_()) Wake(*again);
      });
      lock.lock();
    } else if (due_) {
      changed_.wait_until(lock, *due_);
    } else {
      changed_.wait(lock);
    }
  }
}

}  // namespace grabfs
