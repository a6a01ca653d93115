// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/task_thread.h"

#include <csignal>
#include <utility>

namespace grabfs {

void TaskThread::Start(std::function<std::optional<std::chrono::milliseconds>()> recurring) {
  recurring_ = std::move(recurring);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void TaskThread::Stop() {
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

void TaskThread::PostUnlessBusy(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (tasks_.size() >= kMaxBacklog) return;
  }
  Post(std::move(task));
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
      task();
      lock.lock();
    } else if (stop_) {
      return;
    } else if (due_ && Clock::now() >= *due_) {
      due_.reset();
      lock.unlock();
      const auto again = recurring_();
      if (again) Wake(*again);
      lock.lock();
    } else if (due_) {
      changed_.wait_until(lock, *due_);
    } else {
      changed_.wait(lock);
    }
  }
}

}  // namespace grabfs
