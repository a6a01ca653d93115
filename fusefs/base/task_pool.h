// SPDX-License-Identifier: Apache-2.0
//
// A few threads that run long tasks, in the order in which they were posted. Threads start when
// they are first needed.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "fusefs/base/mutex.h"

namespace grabfs {

class TaskPool {
 public:
  using Task = std::function<void()>;

  explicit TaskPool(unsigned max_threads) : max_threads_(max_threads) {}
  ~TaskPool() { Stop(); }
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  // Any thread. After Stop(), or if the system has no thread for it, runs the task before it
  // returns.
  void Post(Task task);
  // Joins the threads when the tasks posted so far have run. Not to be called by a task.
  void Stop();

 private:
  // False: no thread will run it.
  bool Accept(Task& task);
  void Run();

  const unsigned max_threads_;
  Mutex mutex_;  // guards all below; leaf
  Condition changed_;
  std::deque<Task> tasks_;
  unsigned idle_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace grabfs
