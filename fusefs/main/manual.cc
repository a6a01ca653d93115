// SPDX-License-Identifier: Apache-2.0
#include "fusefs/main/manual.h"

#include <sstream>

#include "fusefs/command/help.h"
#include "fusefs/main/mount_options.h"
#include "fusefs/main/options.h"

namespace grabfs {
namespace {

constexpr const char* kIntroduction =
    R"(<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Made by `bazel run //fusefs/main:manual > docs/grabfs.md`; a test compares the two. -->
# grabfs

The daemon: it opens the devices, mounts their buffers as files, and serves until it is unmounted or gets
SIGTERM, SIGINT or SIGHUP. Without `-f` the command returns once the mount answers. What is in the mount:
[the mount contract](mount.md).

)";

constexpr const char* kMountOptions = R"(
## Mount options

| `-o` | meaning |
|---|---|
)";

constexpr const char* kRest = R"(
All others go on to libfuse and the kernel; words for mount(8) and systemd (`noauto`, `nofail`, `x-…`) are
taken and mean nothing here. Passthrough needs Linux 6.9 and a daemon that is root's; `status.json` says
which data path the mount has, and why.

## In /etc/fstab

The type is `fuse.grabfs`; the first field has the devices, separated by semicolons, or `none` for every
grabdma device (else a test picture):

    none                                          /mnt/grabfs fuse.grabfs noauto,allow_other 0 0
    cam0=pattern,width=1920,height=1080,rate=30   /mnt/cam    fuse.grabfs allow_other,nofail 0 0

`mount /mnt/grabfs` and `umount /mnt/grabfs` do the rest. `mount -o remount,ro /mnt/grabfs` makes the mount read-only, and
`remount,rw` writable again; `nosuid`, `nodev`, `noexec` and `noatime` can be changed, too. The kernel does not tell the daemon of
it, so the daemon's own options (the table above) cannot be changed while it is mounted: unmount it, and mount it again.

## Who may see, who may steer

With `allow_other` and nothing else, every user of the machine sees the pictures, and root changes the settings. To give the
pictures to the group `video`, and the settings to the user `anna`:

    cam0=v4l2:/dev/video0 /mnt/cam fuse.grabfs allow_other,uid=anna,gid=video,frame_mode=640,control_mode=640 0 0

To let the whole group steer: `control_mode=660`. For two groups, have a directory decide who gets to the mount at all: here
members of `video` see the pictures, and those of them who are in `operators`, too, steer.

    install -d -m 750 -g video /srv/cam && mkdir /srv/cam/mnt
    cam0=v4l2:/dev/video0 /srv/cam/mnt fuse.grabfs allow_other,gid=operators,frame_mode=644,control_mode=664 0 0

`frame_mode=` is the mode of all that shows pictures, `control_mode=` that of all settings; each counts instead of `umask=`, which decides
about the rest ([in detail](mount.md#who-may-do-what)). The kernel enforces the modes. `grabfs-cli doctor` says who may see and who may steer.

## As a service

The package has a unit for each mount that the administrator names: `/etc/grabfs/lab.conf` with

    GRABFS_OPTIONS="--device cam0=pattern,rate=30 -o allow_other,gid=video,frame_mode=640"

and `systemctl enable --now grabfs@lab` mounts `/run/grabfs/lab`, now and at every start of the machine. Here the group `video` sees
the pictures, and root changes the settings.
Without such a file the service mounts what `grabfs` mounts without options.

## Files

| file | what |
|---|---|
| `/etc/grabfs/NAME.conf` | options of the service `grabfs@NAME` |
| `/run/grabfs/NAME` | where it mounts |
| `/dev/grabdmaN` | devices of the kernel module; group `video` |
| `/etc/fuse.conf` | `user_allow_other` lets ordinary users mount with `allow_other` |

Messages go to standard error with `-f`, else to syslog.

## Exit status

| status | meaning |
|---|---|
| 0 | the mount answers; with `-f`: it has ended as it should |
| 1 | it cannot be mounted; the message says why |
| 2 | the command line makes no sense |

## Environment

| variable | meaning |
|---|---|
| `JOURNAL_STREAM` | systemd sets it: lines on standard error carry their priority |
| `GRABFS_STRICT` | set: what must not happen inside ends the daemon, for tests |

## Examples

A test picture in your own folder, a camera for the group `video`, and a recording that plays by itself:

    grabfs ~/grab
    grabfs --device cam0=v4l2:/dev/video0 -o allow_other,gid=video,frame_mode=640 /mnt/grabfs
    grabfs --device clip=replay:clip.y4m,state=streaming /mnt/clip
)";

}  // namespace

std::string Manual() {
  std::ostringstream text;
  text << kIntroduction << "```\n" << Help(DescribeOptions()) << "```\n" << kMountOptions;
  for (const MountOption& option : MountOptions()) {
    text << "| `" << option.name << "` | " << option.help << " |\n";
  }
  text << kRest;
  return text.str();
}

}  // namespace grabfs
