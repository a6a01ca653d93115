// SPDX-License-Identifier: Apache-2.0
#include "cli/base/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "cli/base/file.h"
#include "fusefs/base/error.h"

namespace grabfs::cli {
namespace {

bool IsExecutable(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

// As exec(3) takes them; they point into `words`.
std::vector<char*> Arguments(std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  return arguments;
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

Child::Child(std::vector<std::string> words, Input input) {
  const std::vector<char*> argv = Arguments(words);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  if (input == Input::kNone) {
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  const int code = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (code != 0) throw Error(code, words[0] + ": cannot be started: " + ErrnoText(code));
  process_ = WatchProcess(pid_);
}

void Become(std::vector<std::string> words) {
  const std::vector<char*> argv = Arguments(words);
  ::execvp(argv[0], argv.data());
  ThrowErrno(words[0]);
}

std::string OutputOf(std::vector<std::string> words) {
  int ends[2];
  CheckSyscall(::pipe2(ends, O_CLOEXEC), "pipe");
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  const std::vector<char*> argv = Arguments(words);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  // First: where this process has none of the three, the pipe may be one of the others.
  ::posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const int code = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (code != 0) throw Error(code, words[0] + ": cannot be started: " + ErrnoText(code));
  writing = UniqueFd();
  std::string output;
  char part[4096];
  for (ssize_t count = 0; (count = ::read(reading.get(), part, sizeof part)) != 0;) {
    if (count < 0 && errno != EINTR) break;
    if (count > 0) output.append(part, static_cast<size_t>(count));
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw Error(EIO, words[0] + ": has failed");
  return output;
}

int Child::Await() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) ThrowErrno("wait for a program");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

UniqueFd WatchProcess(int64_t pid) {
  // glibc's own declaration (2.36) cannot be linked from C++.
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
}

bool AwaitEnd(const UniqueFd& process, const Deadline& deadline) {
  return AwaitReadable(process.get(), deadline);
}

}  // namespace grabfs::cli
