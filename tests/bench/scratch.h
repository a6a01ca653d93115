// SPDX-License-Identifier: Apache-2.0
//
// The place where the benchmarks work: a mount namespace of this process's own with fresh tmpfs
// mounts, which disappear with the process however it ends.
#pragma once

#include <string>

namespace grabfs::bench {

class Scratch {
 public:
  // Throws Error (EPERM without CAP_SYS_ADMIN). Call it before any thread is started.
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // A plain tmpfs: the other side of most comparisons.
  [[nodiscard]] std::string tmpfs() const { return root_ + "/tmpfs"; }
  // Another tmpfs, where copies go from either side.
  [[nodiscard]] std::string copies() const { return root_ + "/copies"; }
  // A new directory to mount grabfs on.
  [[nodiscard]] std::string MakeMountpoint();

 private:
  std::string root_;
  unsigned mountpoints_ = 0;
};

}  // namespace grabfs::bench
