// SPDX-License-Identifier: Apache-2.0
//
// The process between the daemon and a program of the source `exec`. It takes rights away before
// the program runs, and ends all that the program has started: when the daemon asks for it, when
// the daemon is gone (however it died), and when the program itself has ended.
//
//     daemon ──posix_spawn──▶ keeper ──fork──▶ init ──fork, exec──▶ PROGRAM ──▶ its children
//
// The keeper is the daemon's own binary, started anew: it has none of the daemon's memory, files
// and threads. Where the kernel allows it (CAP_SYS_ADMIN), init is the first process of a PID
// namespace: when it ends, the kernel kills every process in it, also one that has hidden in a
// session of its own. Elsewhere the process group of the keeper is killed.
//
// They talk over a socket, the descriptor kSocket of the keeper. The keeper sends one KeeperReport;
// the daemon sends nothing, and closes its direction to have the program ended: SIGTERM, and after
// kGrace SIGKILL.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace grabfs {

struct KeeperReport {
  enum class Kind : int32_t {
    kNotRun,  // `value`: errno of what failed before the program ran
    kEnded,   // `value`: its status, as of waitpid(2)
  };
  Kind kind;
  int32_t value;
};

// Who the program runs as, and what it is.
struct KeeperOrder {
  bool change_user = false;  // else it stays the daemon's
  unsigned uid = 0;
  unsigned gid = 0;
  std::string account = {};  // its supplementary groups are the program's, too; empty: none
  std::string home = "/";
  std::string program = {};  // absolute path
};

class Keeper {
 public:
  // How long a program may take to end after SIGTERM.
  static constexpr std::chrono::milliseconds kGrace{2000};
  static constexpr int kSocket = 3;

  // Starts the keeper of `order`, with these as standard output and error of the program, and the
  // keeper's end of the socket. Returns its process. Throws Error.
  static int Start(const KeeperOrder& order, int output, int errors, int socket);

  // True: this process was started to be a keeper. Then main() returns Main(). To be called first
  // in main().
  static bool IsKeeper(int argc, char** argv);
  static int Main(char** argv);
};

}  // namespace grabfs
