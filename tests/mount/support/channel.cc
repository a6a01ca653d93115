// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/support/channel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "fusefs/base/error.h"

namespace grabfs::mount_test {
namespace {

constexpr size_t kPipe = size_t{1} << 20;
constexpr int kSocket = 16 << 20;

template <typename Move>
size_t Repeat(size_t bytes, Move move) {
  size_t moved = 0;
  while (moved < bytes) {
    const ssize_t count = move(bytes - moved);
    if (count <= 0) break;
    moved += static_cast<size_t>(count);
  }
  return moved;
}

}  // namespace

Channel Channel::Pipe() {
  std::array<int, 2> ends{};
  CheckSyscall(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), "pipe");
  (void)::fcntl(ends[1], F_SETPIPE_SZ, kPipe);
  return Channel(ends[1], ends[0]);
}

Channel Channel::Sockets() {
  std::array<int, 2> ends{};
  CheckSyscall(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()),
               "socketpair");
  (void)::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &kSocket, sizeof kSocket);
  return Channel(ends[0], ends[1]);
}

Channel Channel::Tcp(size_t queued) {
  constexpr int kLittle = 4096;
  const auto much = static_cast<int>(2 * queued);
  constexpr int kKind = SOCK_STREAM | SOCK_CLOEXEC;
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  const UniqueFd listener(::socket(AF_INET, kKind, 0));
  UniqueFd in(::socket(AF_INET, kKind, 0));
  (void)::setsockopt(listener.get(), SOL_SOCKET, SO_RCVBUF, &kLittle, sizeof kLittle);
  (void)::setsockopt(in.get(), SOL_SOCKET, SO_SNDBUFFORCE, &much, sizeof much);
  CheckSyscall(::bind(listener.get(), name, length), "bind");
  CheckSyscall(::listen(listener.get(), 1), "listen");
  CheckSyscall(::getsockname(listener.get(), name, &length), "getsockname");
  CheckSyscall(::connect(in.get(), name, length), "connect");
  UniqueFd out(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  CheckSyscall(out.get(), "accept");
  const std::vector<std::byte> first(queued);
  CheckSyscall(
      ::send(in.get(), first.data(), first.size(), MSG_DONTWAIT) == static_cast<ssize_t>(queued)
          ? 0
          : -1,
      "send");
  return Channel(in.release(), out.release());
}

size_t Channel::Splice(int file, off_t from, size_t bytes) const {
  return Repeat(bytes, [&](size_t left) {
    return ::splice(file, &from, in(), nullptr, left, SPLICE_F_NONBLOCK);
  });
}

size_t Channel::SendFile(int file, off_t from, size_t bytes) const {
  return Repeat(bytes, [&](size_t left) { return ::sendfile(in(), file, &from, left); });
}

std::vector<std::byte> Channel::Receive() const {
  std::vector<std::byte> bytes;
  std::vector<std::byte> part(kPipe);
  for (ssize_t count = 0; (count = ::read(out(), part.data(), part.size())) > 0;) {
    bytes.insert(bytes.end(), part.begin(), part.begin() + count);
  }
  return bytes;
}

std::vector<std::byte> Channel::Receive(size_t bytes) const {
  std::vector<std::byte> all(bytes);
  size_t received = 0;
  while (received < bytes) {
    pollfd readable{.fd = out(), .events = POLLIN, .revents = 0};
    CheckSyscall(::poll(&readable, 1, -1), "poll");
    const ssize_t count = ::read(out(), &all[received], bytes - received);
    if (count <= 0) break;
    received += static_cast<size_t>(count);
  }
  all.resize(received);
  return all;
}

}  // namespace grabfs::mount_test
