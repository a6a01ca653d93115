// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/detach_mount.h"

#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace grabfs {
namespace {

// Users may not call umount(2); the setuid helper may.
bool DetachByHelper(const std::string& mountpoint) {
  std::string program = "fusermount3";
  std::string flags = "-uz";
  std::string path = mountpoint;
  std::array<char*, 4> argv = {program.data(), flags.data(), path.data(), nullptr};
  pid_t child = 0;
  if (posix_spawnp(&child, program.c_str(), nullptr, nullptr, argv.data(), environ) != 0) {
    return false;
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace

bool DetachMount(const std::string& mountpoint) {
  return umount2(mountpoint.c_str(), MNT_DETACH) == 0 || DetachByHelper(mountpoint);
}

}  // namespace grabfs
