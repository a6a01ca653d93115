// SPDX-License-Identifier: Apache-2.0
//
// Work that may never return, done by a process of its own: reading from a mount whose daemon
// stands still. A thread cannot do it: a request that a FUSE daemon has taken and does not answer
// cannot be given up, not even by SIGKILL, and no program ends before all its threads.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "cli/base/deadline.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {

class TimelyWork {
 public:
  // Starts the work in a copy of this process, which has none of its descriptors: who waits for the
  // end of our output does not wait for a process that cannot be ended. Throws Error.
  explicit TimelyWork(const std::function<std::string()>& work);
  // Ends the process, without waiting for it.
  ~TimelyWork();
  TimelyWork(TimelyWork&& other) noexcept;
  TimelyWork& operator=(TimelyWork&&) = delete;

  // What the work returned; nullopt: nothing yet. Throws what the work threw, as an Error, and
  // Error(EMSGSIZE) if it is longer than 16 MiB. To be called until it returned a text or threw.
  std::optional<std::string> Await(const Deadline& deadline);

 private:
  pid_t pid_ = -1;
  UniqueFd pipe_;
  std::string received_;
};

}  // namespace grabfs::cli
