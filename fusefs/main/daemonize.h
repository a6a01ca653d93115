// SPDX-License-Identifier: Apache-2.0
//
// Goes to the background without losing the result: the command that the user typed returns when
// the mount answers, or prints the reason why it failed.
#pragma once

#include "fusefs/base/unique_fd.h"

namespace grabfs {

class Background {
 public:
  // Forks. The parent waits inside this function; it exits with 0 once the child calls Ready(),
  // else with the child's exit status. In the child this function returns: the child has a session
  // of its own, and still writes to the caller's stderr. Call it while there is one thread. Throws
  // Error.
  static Background Enter();

  // Stays in the foreground: Ready() does nothing.
  Background() = default;

  // Lets the parent exit; afterwards standard input, output and error are /dev/null.
  void Ready();

 private:
  UniqueFd pipe_;
};

}  // namespace grabfs
