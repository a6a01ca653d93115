// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/source/aravis/own_network.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs {

std::string EnterOwnNetwork() {
  const int users = ::geteuid() == 0 ? 0 : CLONE_NEWUSER;
  if (::unshare(CLONE_NEWNET | users) != 0) return "no network namespace: " + ErrnoText(errno);
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = {};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) return "no loopback: " + ErrnoText(errno);
  return "";
}

}  // namespace grabfs
