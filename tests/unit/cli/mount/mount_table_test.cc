// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/mount_table.h"

#include <gtest/gtest.h>

namespace grabfs::cli {
namespace {

MountInfo MountOf(const std::string& type, const std::string& mountpoint,
                  const std::string& source) {
  return {.mountpoint = mountpoint, .type = type, .source = source};
}

TEST(MountTable, FindsGrabfsAmongOtherMounts) {
  const MountInfo grabfs = MountOf(kFileSystemType, "/mnt/grabfs", "grabfs");
  EXPECT_EQ(OnlyGrabfs({MountOf("sysfs", "/sys", "sysfs"), grabfs,
                        MountOf("fuse.sshfs", "/mnt/other", "host:")}),
            std::vector{grabfs});
}

TEST(MountTable, ABoundDeviceIsNoMount) {
  MountInfo whole = MountOf(kFileSystemType, "/mnt", "grabfs");
  whole.root = "/";
  MountInfo part = MountOf(kFileSystemType, "/srv/cam0", "grabfs");
  part.root = "/cam0";
  EXPECT_EQ(OnlyGrabfs({part, whole}), std::vector{whole});
}

TEST(MountTable, OfSeveralOnOneMountPointTheUppermostCounts) {
  const MountInfo second = MountOf(kFileSystemType, "/mnt", "second");
  EXPECT_EQ(OnlyGrabfs({MountOf(kFileSystemType, "/mnt", "first"), second}), std::vector{second});
}

TEST(MountTable, AGrabfsThatSomethingElseCoversCannotBeReached) {
  EXPECT_TRUE(
      OnlyGrabfs({MountOf(kFileSystemType, "/mnt", "grabfs"), MountOf("tmpfs", "/mnt", "tmpfs")})
          .empty());
}

}  // namespace
}  // namespace grabfs::cli
