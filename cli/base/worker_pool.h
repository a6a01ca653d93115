// SPDX-License-Identifier: Apache-2.0
//
// Threads that run queued tasks, so that frames are encoded in parallel. Threads: any.
#pragma once

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

namespace grabfs::cli {

class WorkerPool {
 public:
  using Task = std::packaged_task<void()>;

  explicit WorkerPool(unsigned threads);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  // Waits for tasks that have begun; drops those that have not.
  ~WorkerPool();

  void Submit(Task task);

 private:
  void Work(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::deque<Task> tasks_;             // guarded by mutex_
  std::vector<std::jthread> threads_;  // last: the threads use all of the above
};

}  // namespace grabfs::cli
