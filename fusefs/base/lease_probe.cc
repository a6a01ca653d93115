// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/lease_probe.h"

#include <fcntl.h>

#include <csignal>

#include "fusefs/base/error.h"

namespace grabfs {

// The lease needs a descriptor of its own. A memfd's first one counts neither as reader nor as
// writer of the inode, so the kernel would compare with the wrong number; a mapping of ours refers
// to that first one and is not counted either. With one O_RDONLY open of ours, "one reader, no
// writer" means that nobody else is there.
LeaseProbe::LeaseProbe(int memfd, const std::string& what) {
  const std::string path = "/proc/self/fd/" + std::to_string(memfd);
  fd_.reset(CheckSyscall(::open(path.c_str(), O_RDONLY | O_CLOEXEC), what + ": " + path));
}

// An open that meets the lease in its few microseconds makes the kernel send a signal, by default
// SIGIO, which ends the process. SIGURG is ignored by default, and nobody needs to know: the lease
// is given back at once. Giving it back also resets the signal, so it is chosen for each lease.
// Failures for other reasons, such as leases forbidden by fs.leases-enable, count as "in use".
bool LeaseProbe::Idle() const {
  if (::fcntl(fd_.get(), F_SETSIG, SIGURG) != 0) return false;
  if (::fcntl(fd_.get(), F_SETLEASE, F_WRLCK) != 0) return false;
  ::fcntl(fd_.get(), F_SETLEASE, F_UNLCK);
  return true;
}

}  // namespace grabfs
