// SPDX-License-Identifier: Apache-2.0
#include "cli/mount_table.h"

#include <gtest/gtest.h>

namespace grabfs::cli {
namespace {

TEST(MountTable, FindsGrabfsAmongOtherMounts) {
  const auto mounts = ParseMountTable(
      "22 1 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
      "90 22 0:57 / /mnt/grabfs rw,nosuid,nodev - fuse.grabfs grabfs rw,user_id=0\n"
      "91 22 0:58 / /mnt/other rw - fuse.sshfs host: rw\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0], (MountEntry{"/mnt/grabfs", "grabfs", 0, 57}));
}

TEST(MountTable, NamesWithBlanksAreUnescaped) {
  const auto mounts = ParseMountTable(
      "90 22 0:57 / /mnt/my\\040frames\\134x rw shared:3 - fuse.grabfs a\\011b rw\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].mountpoint, "/mnt/my frames\\x");
  EXPECT_EQ(mounts[0].source, "a\tb");
}

TEST(MountTable, OfSeveralOnOneMountPointTheUppermostCounts) {
  const auto mounts = ParseMountTable(
      "90 22 0:57 / /mnt rw - fuse.grabfs first rw\n"
      "91 90 0:58 / /mnt rw - fuse.grabfs second rw\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].source, "second");
}

TEST(MountTable, JunkIsNoMount) {
  EXPECT_TRUE(ParseMountTable("").empty());
  EXPECT_TRUE(ParseMountTable("- fuse.grabfs\n - fuse.grabfs x\n90 22 zero / / rw - fuse.grabfs\n")
                  .empty());
}

}  // namespace
}  // namespace grabfs::cli
