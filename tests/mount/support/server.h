// SPDX-License-Identifier: Apache-2.0
//
// Other people's servers on the loopback address.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdint>

#include "fusefs/base/error.h"
#include "tests/mount/support/process.h"
#include "tests/mount/support/wait.h"

namespace grabfs::mount_test {

// Is asked to end by a signal, so that it ends its children, too, which being killed would not.
class Server : public Process {
 public:
  using Process::Process;
  ~Server() {
    if (Poll()) return;
    Signal(SIGTERM);
    EXPECT_TRUE(WaitUntil([this] { return Poll().has_value(); }));
  }
};

inline sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A port of the loopback address that nobody has. Throws Error.
inline uint16_t FreePort() {
  const UniqueFd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = Loopback(0);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  CheckSyscall(::bind(probe.get(), generic, length), "bind");
  CheckSyscall(::getsockname(probe.get(), generic, &length), "getsockname");
  return ntohs(address.sin_port);
}

// Waits until the server answers at this port. False: it has ended, or does not answer.
inline bool IsReached(Server& server, uint16_t port) {
  const auto answers = [port] {
    const UniqueFd connection(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = Loopback(port);
    return ::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address),
                     sizeof address) == 0;
  };
  return WaitUntil([&] { return answers() || server.Poll().has_value(); }) &&
         !server.Poll().has_value();
}

}  // namespace grabfs::mount_test
