// SPDX-License-Identifier: Apache-2.0
//
// A small process that sees to it that a killed daemon really ends.
//
// A thread of the daemon may be waiting inside the kernel for a page that another thread was about
// to deliver. When the daemon is killed at that moment, the wait has no end: the page never comes,
// the waiting thread keeps /dev/fuse open, and while it is open the kernel does not give up the
// connection. Every reader hangs with it. So somebody else has to abort the connection.
#pragma once

#include <sys/types.h>

#include <string>

namespace grabfs {

class Sentinel {
 public:
  // Starts the process, with this thread as the one whose death it waits for. `device`: of the
  // mount. Without it (no /proc) the daemon works all the same; that is logged.
  Sentinel(const std::string& mountpoint, dev_t device);
  // The daemon ends in order: the process is not needed any more.
  ~Sentinel();
  Sentinel(const Sentinel&) = delete;
  Sentinel& operator=(const Sentinel&) = delete;

  // Whether this process was started to be the sentinel, and if so its whole life: call it first in
  // main().
  static bool IsSentinel(int argc, char** argv);
  static int Main(char** argv);

 private:
  pid_t process_ = -1;
};

}  // namespace grabfs
