// SPDX-License-Identifier: Apache-2.0
//
// Going to the background without losing what the caller must hear: the command that was typed
// returns when the mount answers, or with the reason why it never will.
#pragma once

#include "fusefs/base/unique_fd.h"

namespace grabfs {

class Background {
 public:
  // Forks. The parent waits, inside this function, and exits with 0 once the child reports Ready(),
  // else with the child's exit status. The child returns, in a session of its own, with its
  // messages still going to the caller's stderr. Call it while there is one thread. Throws Error.
  static Background Enter();

  // Stays in the foreground: Ready() does nothing.
  Background() = default;

  // Lets the caller go; afterwards standard input, output and error are /dev/null.
  void Ready();

 private:
  UniqueFd pipe_;
};

}  // namespace grabfs
