// SPDX-License-Identifier: Apache-2.0
//
// Mutexes that check who waits. A thread that others wait for must not itself wait for anything
// that may take long: a device, memory allocation, a page fault on a user's memory, a lock that is
// held during one of these. The check runs in every build, like the kernel's might_sleep(). A
// violation is logged, and aborts the program if GRABFS_STRICT is in its environment, as it is for
// tests.
//
//   Mutex        held for a few instructions on data. A thread that holds one must not wait.
//   SlowMutex    may be held while its owner waits. So locking it counts as waiting.
//   NoWaiting    a scope in which a thread must not wait although it holds no lock: the leader that
//                takes requests from the kernel (fusefs/fuse/workers.h).
//   MayWait()    marks a place where a thread may wait; a violation within a NoWaiting or with a
//                Mutex held.
//   TakesTime()  marks work that does not wait, but is long; within a NoWaiting it throws
//   NeedsTime.
//                The leader then has a worker serve the request from its beginning.
//
// Both kinds of mutex are used through std::lock_guard, std::unique_lock and std::scoped_lock;
// a std::mutex is not used in the daemon. The check costs a thread-local counter.
#pragma once

#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <utility>

namespace grabfs {

// Call it before anything that may wait. `what` completes the message "must not wait for ...".
void MayWait(const char* what);

// Thrown by TakesTime(). Not an Error: it is no failure.
struct NeedsTime {};
void TakesTime();

// While it exists, its thread must not wait. Scopes nest.
class NoWaiting {
 public:
  NoWaiting() noexcept;
  ~NoWaiting();
  NoWaiting(const NoWaiting&) = delete;
  NoWaiting& operator=(const NoWaiting&) = delete;

 private:
  friend class Mutex;
  friend class Condition;
  static void Begin() noexcept;
  static void End() noexcept;
};

class Mutex {
 public:
  void lock() {
    mutex_.lock();
    NoWaiting::Begin();
  }
  bool try_lock() {
    const bool locked = mutex_.try_lock();
    if (locked) NoWaiting::Begin();
    return locked;
  }
  void unlock() {
    NoWaiting::End();
    mutex_.unlock();
  }

 private:
  friend class Condition;
  std::mutex mutex_;
};

// A std::condition_variable for a Mutex.
class Condition {
 public:
  void notify_one() noexcept { condition_.notify_one(); }
  void notify_all() noexcept { condition_.notify_all(); }

  void wait(std::unique_lock<Mutex>& lock) {
    Sleep(lock, [this](auto& inner) { condition_.wait(inner); });
  }
  template <typename Until>
  void wait(std::unique_lock<Mutex>& lock, Until until) {
    while (!until()) wait(lock);
  }
  template <typename Clock, typename Duration>
  void wait_until(std::unique_lock<Mutex>& lock,
                  const std::chrono::time_point<Clock, Duration>& time) {
    Sleep(lock, [&](auto& inner) { condition_.wait_until(inner, time); });
  }
  // False: the time is over and `until` does not hold.
  template <typename Rep, typename Period, typename Until>
  bool wait_for(std::unique_lock<Mutex>& lock, const std::chrono::duration<Rep, Period>& time,
                Until until) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (!until()) {
      if (std::chrono::steady_clock::now() >= end) return false;
      wait_until(lock, end);
    }
    return true;
  }

 private:
  // The wait unlocks `lock`. Any other Mutex of this thread would stay locked: MayWait() checks
  // that there is none.
  template <typename Body>
  static void Sleep(std::unique_lock<Mutex>& lock, Body&& body) {
    NoWaiting::End();
    MayWait("a condition");
    std::unique_lock inner(lock.mutex()->mutex_, std::adopt_lock);
    std::forward<Body>(body)(inner);
    inner.release();
    NoWaiting::Begin();
  }

  std::condition_variable condition_;
};

// `Base`: std::mutex or std::shared_mutex.
template <typename Base>
class Slow {
 public:
  void lock() {
    MayWait("a lock that slow work holds");
    base_.lock();
  }
  bool try_lock() { return base_.try_lock(); }
  void unlock() { base_.unlock(); }

  void lock_shared() {
    MayWait("a lock that slow work holds");
    base_.lock_shared();
  }
  bool try_lock_shared() { return base_.try_lock_shared(); }
  void unlock_shared() { base_.unlock_shared(); }

 private:
  Base base_;
};

using SlowMutex = Slow<std::mutex>;
using SlowSharedMutex = Slow<std::shared_mutex>;

}  // namespace grabfs
