// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/mount_check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>

#include "fusefs/base/detach_mount.h"
#include "fusefs/base/error.h"
#include "fusefs/base/log.h"
#include "fusefs/base/mount_info.h"
#include "fusefs/base/request_timeout.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs {
namespace {

// Uses statfs(2), which always asks the daemon: the kernel may answer stat(2) from its cache.
bool IsDeadMount(const std::string& mountpoint) {
  struct statfs ignored = {};
  return statfs(mountpoint.c_str(), &ignored) != 0 && errno == ENOTCONN;
}

void CleanUpDeadMount(const std::string& mountpoint) {
  if (!DetachMount(mountpoint)) {
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
  // EACCES is no error here: fusermount3 opens it for ordinary users.
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
  // fusermount3 would check that, too, but with a worse message.
  if (geteuid() != 0 && access(mountpoint.c_str(), W_OK) != 0) {
    throw Error(errno, "mount point " + mountpoint + ": " + ErrnoText(errno) +
                           ": choose a directory of your own");
  }
  CheckFuseDevice();
  if (const auto warning = RequestTimeoutWarning()) LogWarning(*warning);
}

}  // namespace grabfs
