// SPDX-License-Identifier: Apache-2.0
//
// A thread that carries out tasks in the order in which they are posted, and one recurring task
// when it is due.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace grabfs {

class TaskThread {
 public:
  using Task = std::function<void()>;
  using Clock = std::chrono::steady_clock;

  static constexpr size_t kMaxBacklog = 16384;

  TaskThread() = default;
  ~TaskThread() { Stop(); }
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  // Begins, with all signals blocked: they belong to the main thread. `recurring` runs when Wake()
  // asked for it, and again after the time it returns (nullopt: not before the next Wake()).
  void Start(std::function<std::optional<std::chrono::milliseconds>()> recurring);
  // Ends after the tasks posted so far; no-op when not running.
  void Stop();

  void Post(Task task);
  // For what can be left out: does nothing when kMaxBacklog tasks are waiting already.
  void PostUnlessBusy(Task task);
  // The recurring task becomes due within `delay`, unless it is due earlier already.
  void Wake(std::chrono::milliseconds delay);

 private:
  void Run();

  std::function<std::optional<std::chrono::milliseconds>()> recurring_;
  std::mutex mutex_;  // guards all below; leaf
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  std::optional<Clock::time_point> due_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace grabfs
