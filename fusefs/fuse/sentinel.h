// SPDX-License-Identifier: Apache-2.0
//
// A small process that makes sure that a killed daemon really exits.
//
// A thread of the daemon may be waiting inside the kernel for a page that another thread was about
// to deliver. If the daemon is killed at that moment, the page never comes. The waiting thread
// keeps /dev/fuse open, so the kernel does not abort the connection, and every reader hangs. So
// another process must abort the connection and unmount the dead mount.
//
// The sentinel opens the daemon's pidfd and the connection's abort file (fusectl) at the start. So
// it can never hit another process or connection: numbers and paths may be reused, open files not.
#pragma once

#include <sys/types.h>

#include <string>

namespace grabfs {

class Sentinel {
 public:
  // Starts the process, which waits for the death of the calling thread. `device`: st_dev of the
  // mount. If it cannot be started (no /proc), that is logged and the daemon works without it.
  Sentinel(const std::string& mountpoint, dev_t device);
  // Ends the process: the daemon exits in order.
  ~Sentinel();
  Sentinel(const Sentinel&) = delete;
  Sentinel& operator=(const Sentinel&) = delete;

  // True: this process was started to be the sentinel. Then main() returns Main(). To be called
  // first in main().
  static bool IsSentinel(int argc, char** argv);
  static int Main(char** argv);

 private:
  pid_t process_ = -1;
};

}  // namespace grabfs
