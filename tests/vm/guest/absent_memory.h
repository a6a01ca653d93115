// SPDX-License-Identifier: Apache-2.0
//
// Memory that comes late: a page whose faults are answered by a thread of this process, after a
// while, so that the kernel sleeps in the middle of a system call that touches it (userfaultfd).
//
// One thread may use it; needs root, or vm.unprivileged_userfaultfd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>

#include "fusefs/base/unique_fd.h"

namespace grabfs::vm {

class AbsentMemory {
 public:
  static constexpr size_t kBytes = 4096;

  // `delay`: of every answer, in microseconds.
  explicit AbsentMemory(unsigned delay);
  ~AbsentMemory();
  AbsentMemory(const AbsentMemory&) = delete;
  AbsentMemory& operator=(const AbsentMemory&) = delete;

  // Puts `bytes` there; they can be read at once, but writing to them makes the writer wait.
  void* WithSlowWrites(std::span<const std::byte> bytes);
  // Zeros, and who touches them first waits.
  void* Absent();

 private:
  void Answer() const;

  const unsigned delay_;
  std::byte* page_;
  UniqueFd faults_;
  UniqueFd stop_;
  std::thread thread_;
};

}  // namespace grabfs::vm
