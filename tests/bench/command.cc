// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/command.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fusefs/base/error.h"
#include "tests/bench/measure.h"

extern char** environ;

namespace grabfs::bench {
namespace {

pid_t Spawn(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw Error(error, "start " + arguments[0] + ": " + ErrnoText(error));
  return pid;
}

}  // namespace

double TimeCommand(const std::vector<std::string>& arguments) {
  int status = 0;
  const double seconds = Seconds([&] {
    const pid_t pid = Spawn(arguments);
    CheckSyscall(::waitpid(pid, &status, 0), "waitpid");
  });
  if (status != 0) throw Error(ECHILD, arguments[0] + " failed");
  return seconds;
}

}  // namespace grabfs::bench
