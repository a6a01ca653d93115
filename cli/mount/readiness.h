// SPDX-License-Identifier: Apache-2.0
//
// Waits until a file of a mount can be read, by epoll(7). A process that sleeps in poll(2) sends
// the daemon one more request when the machine is about to be suspended. The daemon may be frozen
// already; then the machine could not suspend. epoll_wait(2) sends no request.
#pragma once

#include "cli/base/deadline.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {

class Readiness {
 public:
  // `file`: an open descriptor that must outlive this. Throws Error.
  explicit Readiness(int file);

  enum class Outcome { kReady, kTimeout, kSignal };
  // Throws Error.
  [[nodiscard]] Outcome Await(const Deadline& deadline) const;

 private:
  UniqueFd always_;  // always readable; used for a file that epoll refuses
  UniqueFd epoll_;
};

}  // namespace grabfs::cli
