// SPDX-License-Identifier: Apache-2.0
//
// A pipe, or a pair of sockets, or of ends of a connection: bytes that were written to `in` and not
// received from `out` are in flight. Neither end blocks.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

#include "fusefs/base/unique_fd.h"

namespace grabfs::mount_test {

class Channel {
 public:
  // With room for a megabyte, or for as much as an ordinary user may have.
  static Channel Pipe();
  static Channel Sockets();
  // TCP over the loopback device, which must be up. The receiver takes little, and `queued` bytes
  // are before everything else: what is sent waits at the sender's.
  static Channel Tcp(size_t queued);

  [[nodiscard]] int in() const { return in_.get(); }
  [[nodiscard]] int out() const { return out_.get(); }

  // Send bytes of a file, as many as fit; return how many. SendFile() works for both kinds,
  // Splice() for pipes.
  size_t Splice(int file, off_t from, size_t bytes) const;
  size_t SendFile(int file, off_t from, size_t bytes) const;
  // Receives all bytes that are in flight.
  [[nodiscard]] std::vector<std::byte> Receive() const;
  // Waits for so many; fewer come if the other end is closed.
  [[nodiscard]] std::vector<std::byte> Receive(size_t bytes) const;

 private:
  Channel(int in, int out) : in_(in), out_(out) {}

  UniqueFd in_;
  UniqueFd out_;
};

}  // namespace grabfs::mount_test
