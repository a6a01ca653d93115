// SPDX-License-Identifier: Apache-2.0
//
// One thread that runs tasks in the order in which they were posted, and one recurring task when it
// is due. An exception of a task is logged; the thread goes on.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "fusefs/base/mutex.h"

namespace grabfs {

class TaskThread {
 public:
  using Task = std::function<void()>;
  using Clock = std::chrono::steady_clock;

  TaskThread() = default;
  ~TaskThread() { Stop(); }
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  // Starts the thread. `recurring` runs after Wake(), and again after the time that it returns
  // (nullopt: not before the next Wake()).
  void Start(std::function<std::optional<std::chrono::milliseconds>()> recurring);
  // Joins the thread when the tasks posted so far have run; no-op when not running.
  void Stop();

  // Any thread.
  void Post(Task task);
  // Any thread. The recurring task becomes due within `delay`, unless it is due earlier already.
  void Wake(std::chrono::milliseconds delay);

 private:
  void Run();

  std::function<std::optional<std::chrono::milliseconds>()> recurring_;
  Mutex mutex_;  // guards all below; leaf
  Condition changed_;
  std::deque<Task> tasks_;
  std::optional<Clock::time_point> due_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace grabfs
