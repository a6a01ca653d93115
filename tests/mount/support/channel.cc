// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/support/channel.h"

#include <fcntl.h>
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

}  // namespace grabfs::mount_test
