// SPDX-License-Identifier: Apache-2.0
//
// A first-in, first-out queue of jobs for a pool of threads, with a limit for each owner: of the
// jobs of one owner only a few run at a time, and jobs of other owners overtake the rest. So a
// device that hangs, or a user who asks too much, occupies some of the threads, and never all.
//
// Not thread-safe: the mutex of whoever has the queue guards it.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>

namespace grabfs {

// Jobs of one owner share its limit.
struct JobOwner {
  uint32_t place;  // number of the device, or a number that stands for alloc/
  uint32_t user;   // uid

  auto operator<=>(const JobOwner&) const = default;
};

template <typename Item>
class FairQueue {
 public:
  struct Job {
    JobOwner owner;
    Item item;
  };

  // `limit`: how many jobs of one owner may run at a time, at least 1.
  explicit FairQueue(unsigned limit) : limit_(limit) {}

  void Add(Job job) { waiting_.push_back(std::move(job)); }
  // Whether Next() would return a job.
  [[nodiscard]] bool Ready() { return First() != waiting_.end(); }
  // Takes the first job whose owner is below its limit; the job counts as running until Done().
  // nullopt: there is none.
  std::optional<Job> Next() {
    const auto first = First();
    if (first == waiting_.end()) return std::nullopt;
    ++served_[first->owner];
    Job job = std::move(*first);
    waiting_.erase(first);
    return job;
  }
  void Done(const JobOwner& owner) {
    const auto served = served_.find(owner);
    if (--served->second == 0) served_.erase(served);
  }
  [[nodiscard]] size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] size_t WaitingOf(uint32_t user) const {
    const auto is_his = [user](const Job& job) { return job.owner.user == user; };
    return static_cast<size_t>(std::ranges::count_if(waiting_, is_his));
  }

 private:
  auto First() {
    return std::ranges::find_if(waiting_, [this](const Job& job) {
      const auto served = served_.find(job.owner);
      return served == served_.end() || served->second < limit_;
    });
  }

  const unsigned limit_;
  std::deque<Job> waiting_;
  std::map<JobOwner, unsigned> served_;  // jobs that run, by owner; none that is 0
};

}  // namespace grabfs
