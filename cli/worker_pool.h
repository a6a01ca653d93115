// SPDX-License-Identifier: Apache-2.0
//
// A few threads that work off a queue, so that encoding one frame does not keep the next waiting.
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
  // Waits for tasks that have begun; those that have not are abandoned.
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
