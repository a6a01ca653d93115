// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/daemonize.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "fusefs/base/error.h"
#include "fusefs/base/log.h"
#include "fusefs/main/options.h"

namespace grabfs {
namespace {

[[noreturn]] void WaitForChild(pid_t child, UniqueFd report) {
  char byte = 0;
  ssize_t count = 0;
  do {
    count = read(report.get(), &byte, 1);
  } while (count < 0 && errno == EINTR);
  if (count == 1) _exit(EXIT_SUCCESS);
  // The child ended without Ready(), and has printed the reason itself.
  int status = 0;
  const bool exited = waitpid(child, &status, 0) == child && WIFEXITED(status);
  _exit(exited && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : kExitFailed);
}

}  // namespace

Background Background::Enter() {
  std::array<int, 2> ends{};
  CheckSyscall(pipe2(ends.data(), O_CLOEXEC), "pipe");
  UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  const pid_t child = CheckSyscall(fork(), "fork");
  if (child > 0) {
    writing.reset();
    WaitForChild(child, std::move(reading));
  }
  setsid();
  Background background;
  background.pipe_ = std::move(writing);
  return background;
}

void Background::Ready() {
  if (!pipe_.valid()) return;
  // Not before: files of the command line may have relative paths.
  if (chdir("/") != 0) LogWarning("chdir /: " + ErrnoText(errno));
  const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (null.valid()) (void)dup2(null.get(), fd);
  }
  const char byte = 0;
  (void)!write(pipe_.get(), &byte, 1);
  pipe_.reset();
}

}  // namespace grabfs
