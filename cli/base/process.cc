// SPDX-License-Identifier: Apache-2.0
#include "cli/base/process.h"

#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "fusefs/base/error.h"

namespace grabfs::cli {
namespace {

bool IsExecutable(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::optional<std::filesystem::path> FindProgram(const Context& context, const std::string& name) {
  if (const auto beside = context.program_directory / name; IsExecutable(beside)) return beside;
  std::istringstream path(context.environment("PATH"));
  for (std::string directory; std::getline(path, directory, ':');) {
    const std::filesystem::path file = std::filesystem::path(directory) / name;
    if (IsExecutable(file)) return file;
  }
  return std::nullopt;
}

int RunProgram(const std::filesystem::path& program, const std::vector<std::string>& args) {
  std::string name = program.string();
  std::vector<std::string> owned = args;
  std::vector<char*> argv = {name.data()};
  for (std::string& arg : owned) argv.push_back(arg.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  if (const int code =
          ::posix_spawn(&child, name.c_str(), nullptr, nullptr, argv.data(), ::environ)) {
    throw Error(code, name + ": cannot be started: " + ErrnoText(code));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) ThrowErrno(name);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

UniqueFd WatchProcess(int64_t pid) {
  // glibc's own declaration (2.36) cannot be linked from C++.
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
}

bool AwaitEnd(const UniqueFd& process, const Deadline& deadline) {
  pollfd poll_fd = {process.get(), POLLIN, 0};
  int ended = 0;
  do {
    ended = ::poll(&poll_fd, 1, deadline.poll_timeout_ms());
  } while (ended < 0 && errno == EINTR);
  return ended > 0;
}

}  // namespace grabfs::cli
