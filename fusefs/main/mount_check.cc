// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/mount_check.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "fusefs/base/error.h"
#include "fusefs/base/log.h"
#include "fusefs/base/mount_info.h"
#include "fusefs/base/unique_fd.h"

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

// Asked by statfs(), which always goes to the daemon: what stat() tells may be remembered.
bool IsDeadMount(const std::string& mountpoint) {
  struct statfs ignored = {};
  return statfs(mountpoint.c_str(), &ignored) != 0 && errno == ENOTCONN;
}

void CleanUpDeadMount(const std::string& mountpoint) {
  if (umount2(mountpoint.c_str(), MNT_DETACH) != 0 && !DetachByHelper(mountpoint)) {
    throw Error(ENOTCONN, mountpoint +
                              " is a mount whose grabfs daemon has died: run 'fusermount3 "
                              "-uz " +
                              mountpoint + "' and try again");
  }
  LogWarning(mountpoint +
             ": removed the dead mount of a grabfs daemon that had ended without "
             "unmounting");
}

void CheckFuseDevice() {
  const UniqueFd device(open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (device.valid()) return;
  if (errno == ENOENT || errno == ENODEV || errno == ENXIO) {
    throw Error(errno,
                "/dev/fuse is not there: load the module with 'modprobe fuse', or give the "
                "container --device /dev/fuse");
  }
  // fusermount3 opens it for a user who may not, so this alone is no reason to give up.
}

}  // namespace

void CheckMountpoint(const std::string& mountpoint) {
  const auto mounted = FindMount(mountpoint);
  if (mounted && mounted->type == kFileSystemType) {
    if (!IsDeadMount(mountpoint)) {
      throw Error(EBUSY, mountpoint +
                             ": grabfs is mounted there already: unmount it first with "
                             "'grabfs-cli umount " +
                             mountpoint + "'");
    }
    CleanUpDeadMount(mountpoint);
  }
  struct stat info = {};
  const int result = stat(mountpoint.c_str(), &info);
  if (result != 0 && errno == ENOENT) {
    throw Error(ENOENT, "mount point " + mountpoint + " does not exist: create it with 'mkdir -p " +
                            mountpoint + "'");
  }
  if (result != 0) ThrowErrno("mount point " + mountpoint);
  if (!S_ISDIR(info.st_mode)) {
    throw Error(ENOTDIR, "mount point " + mountpoint + " is not a directory");
  }
  // fusermount3 wants it too, but says so in words of its own.
  if (geteuid() != 0 && access(mountpoint.c_str(), W_OK) != 0) {
    throw Error(errno, "mount point " + mountpoint + ": " + ErrnoText(errno) +
                           ": choose a directory of your own");
  }
  CheckFuseDevice();
}

}  // namespace grabfs
