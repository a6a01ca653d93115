// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/task_pool.h"

#include <system_error>
#include <utility>

#include "fusefs/base/thread.h"

namespace grabfs {

void TaskPool::Post(Task task) {
  if (!Accept(task)) return task();
  changed_.notify_one();
}

bool TaskPool::Accept(Task& task) {
  const std::lock_guard lock(mutex_);
  if (stop_) return false;
  if (idle_ <= tasks_.size() && threads_.size() < max_threads_) {
    try {
      threads_.push_back(StartThread("a task", [this] { Run(); }));
    } catch (const std::system_error&) {
      if (threads_.empty()) return false;
    }
  }
  tasks_.push_back(std::move(task));
  return true;
}

void TaskPool::Stop() {
  MayWait("threads to end");
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    threads.swap(threads_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

void TaskPool::Run() {
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
    } else {
      ++idle_;
      changed_.wait(lock);
      --idle_;
    }
  }
}

}  // namespace grabfs
