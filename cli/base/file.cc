// SPDX-License-Identifier: Apache-2.0
#include "cli/base/file.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {
namespace {

UniqueFd Open(const std::filesystem::path& path, int flags) {
  return UniqueFd(CheckSyscall(::open(path.c_str(), flags | O_CLOEXEC), path.string()));
}

}  // namespace

std::string ReadFile(const std::filesystem::path& path) {
  const UniqueFd fd = Open(path, O_RDONLY);
  std::string text;
  std::array<char, 16384> chunk;
  for (;;) {
    const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    CheckSyscall(got, path.string());
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<size_t>(got));
  }
}

void WriteCommand(const std::filesystem::path& path, std::string_view text) {
  const UniqueFd fd = Open(path, O_WRONLY | O_TRUNC);
  const ssize_t written = CheckSyscall(::write(fd.get(), text.data(), text.size()), path.string());
  if (static_cast<size_t>(written) != text.size()) {
    throw Error(EIO, path.string() + ": took only part of '" + std::string(text) + "'");
  }
}

bool AwaitReadable(int fd, const Deadline& deadline) {
  pollfd poll_fd = {fd, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&poll_fd, 1, deadline.poll_timeout_ms());
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

void WriteAll(int fd, std::string_view text, const std::string& name) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    CheckSyscall(written, name);
    text.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace grabfs::cli
