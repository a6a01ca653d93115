// SPDX-License-Identifier: Apache-2.0
//
// with_uvc_camera COMMAND...: runs the command, with the node of a USB camera as its last argument,
// and returns its status.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/vm/guest/uvc/uvc_camera.h"

namespace grabfs::vm {
namespace {

int Run(std::vector<char*> arguments) {
  UvcCamera camera({.serial = "0001"});
  camera.Plug();
  std::string node = camera.node();
  arguments.push_back(node.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int code =
      ::posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ);
  if (code != 0) throw Error(code, std::string(arguments[0]) + ": " + ErrnoText(code));
  int status = 0;
  CheckSyscall(::waitpid(child, &status, 0), "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace
}  // namespace grabfs::vm

int main(int count, char** arguments) try {
  if (count < 2) {
    std::fprintf(stderr, "usage: %s COMMAND...\n", arguments[0]);
    return 2;
  }
  return grabfs::vm::Run({arguments + 1, arguments + count});
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s: %s\n", arguments[0], error.what());
  return 1;
}
