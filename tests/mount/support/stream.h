// SPDX-License-Identifier: Apache-2.0
//
// Reads a stream file of a device, a number of bytes at a time, with a time limit.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"
#include "tests/mount/support/device.h"
#include "tests/mount/support/file.h"
#include "tests/mount/support/wait.h"

namespace grabfs::mount_test {

class Stream {
 public:
  Stream(const Device& device, const std::string& name, int flags = 0)
      : fd_(Open(device.Path(name), O_RDONLY | O_NONBLOCK | flags)) {}

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] bool IsReadable(std::chrono::milliseconds patience) const {
    pollfd polled{fd_.get(), POLLIN, 0};
    return ::poll(&polled, 1, static_cast<int>(patience.count())) == 1;
  }
  [[nodiscard]] bool IsReadable() const { return IsReadable(std::chrono::milliseconds(0)); }

  // Reads at most `size` bytes as soon as there are some; none at the end of the file. Throws Error
  // if read() fails, std::runtime_error if nothing comes.
  std::vector<std::byte> ReadSome(size_t size) {
    std::vector<std::byte> bytes(size);
    for (;;) {
      const ssize_t got = ::read(fd_.get(), bytes.data(), size);
      if (got >= 0) {
        bytes.resize(static_cast<size_t>(got));
        return bytes;
      }
      if (errno != EAGAIN) ThrowErrno("stream");
      if (!IsReadable(kPatience)) throw std::runtime_error("the stream stands still");
    }
  }
  // Reads exactly `size` bytes, or fewer at the end of the file.
  std::vector<std::byte> Read(size_t size) {
    std::vector<std::byte> bytes;
    while (bytes.size() < size) {
      const auto part = ReadSome(size - bytes.size());
      if (part.empty()) break;
      bytes.insert(bytes.end(), part.begin(), part.end());
    }
    return bytes;
  }

 private:
  UniqueFd fd_;
};

}  // namespace grabfs::mount_test
