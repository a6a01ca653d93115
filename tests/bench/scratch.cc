// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/scratch.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "fusefs/base/error.h"

namespace grabfs::bench {
namespace {

void MountTmpfs(const std::string& directory) {
  CheckSyscall(::mount("tmpfs", directory.c_str(), "tmpfs", 0, "mode=0755"), "mount a tmpfs");
}

void MakeDirectory(const std::string& directory) {
  CheckSyscall(::mkdir(directory.c_str(), 0755), "mkdir " + directory);
}

}  // namespace

Scratch::Scratch() : root_("/tmp/grabfs-bench.XXXXXX") {
  CheckSyscall(::unshare(CLONE_NEWNS), "a mount namespace (benchmarks need root)");
  CheckSyscall(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make mounts private");
  if (::mkdtemp(root_.data()) == nullptr) ThrowErrno("mkdtemp " + root_);
  MountTmpfs(root_);
  for (const std::string& directory : {tmpfs(), copies()}) MakeDirectory(directory);
  MountTmpfs(tmpfs());
  MountTmpfs(copies());
}

Scratch::~Scratch() {
  ::umount2(root_.c_str(), MNT_DETACH);
  ::rmdir(root_.c_str());
}

std::string Scratch::MakeMountpoint() {
  const std::string directory = root_ + "/mnt" + std::to_string(mountpoints_++);
  MakeDirectory(directory);
  return directory;
}

}  // namespace grabfs::bench
