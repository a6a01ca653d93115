// SPDX-License-Identifier: Apache-2.0
#include "cli/base/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "fusefs/base/error.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {
namespace {

// openat(2) that follows no link out of the directory, nor into another process's /proc. A kernel
// before 5.6 cannot tell: there it is openat(2).
int OpenBeneath(int directory, const char* name, int flags, mode_t mode) {
  open_how how = {};
  how.flags = static_cast<unsigned>(flags | O_LARGEFILE);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const auto fd = ::syscall(SYS_openat2, directory, name, &how, sizeof(how));
  if (fd < 0 && errno == ENOSYS) return ::openat(directory, name, flags, mode);
  return static_cast<int>(fd);
}

std::string ReadAll(int fd, const std::filesystem::path& path) {
  std::string text;
  std::array<char, 16384> chunk;
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    CheckSyscall(got, path.string());
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<size_t>(got));
  }
}

}  // namespace

std::string ReadFile(const std::filesystem::path& path) {
  const UniqueFd fd(CheckSyscall(::open(path.c_str(), O_RDONLY | O_CLOEXEC), path.string()));
  return ReadAll(fd.get(), path);
}

UniqueFd Open(const MountFile& file, int flags, mode_t mode) {
  constexpr int kDirectory = O_PATH | O_DIRECTORY | O_CLOEXEC;
  const UniqueFd mount(CheckSyscall(::open(file.mount.c_str(), kDirectory), file.mount.string()));
  UniqueFd fd(OpenBeneath(mount.get(), file.name.c_str(), flags | O_CLOEXEC, mode));
  if (!fd.valid() && errno == EXDEV) {
    throw Error(EXDEV, file.path().string() + ": it leads out of the mount: not followed");
  }
  CheckSyscall(fd.get(), file.path().string());
  return fd;
}

std::string ReadFile(const MountFile& file) {
  return ReadAll(Open(file, O_RDONLY).get(), file.path());
}

void WriteCommand(const MountFile& file, std::string_view text) {
  const UniqueFd fd = Open(file, O_WRONLY | O_TRUNC);
  const std::string path = file.path().string();
  const ssize_t written = CheckSyscall(::write(fd.get(), text.data(), text.size()), path);
  if (static_cast<size_t>(written) != text.size()) {
    throw Error(EIO, path + ": took only part of '" + std::string(text) + "'");
  }
}

void Unlink(const MountFile& file) {
  const UniqueFd directory = Open({file.mount, file.name.parent_path()}, O_PATH | O_DIRECTORY);
  CheckSyscall(::unlinkat(directory.get(), file.name.filename().c_str(), 0), file.path().string());
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
