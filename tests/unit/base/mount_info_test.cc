// SPDX-License-Identifier: Apache-2.0
//
// The table of mounts, as the kernel writes it.
#include "fusefs/base/mount_info.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace grabfs {
namespace {

TEST(MountInfo, EveryFieldIsFoundHoweverManyOptionalOnesThereAre) {
  const auto mounts = ParseMountInfo(
      "22 1 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
      "30 22 0:26 /docker/1 /sys/fs/cgroup/memory ro master:9 propagate_from:2 - cgroup cgroup "
      "rw,memory\n"
      "90 22 8:57 / /mnt/grabfs rw,nosuid,nodev - fuse.grabfs grabfs rw,user_id=0\n");
  ASSERT_EQ(mounts.size(), 3U);
  EXPECT_EQ(mounts[0].mountpoint, "/sys");
  EXPECT_EQ(mounts[1].root, "/docker/1");
  EXPECT_EQ(mounts[1].super_options, "rw,memory");
  EXPECT_EQ(mounts[2], (MountInfo{makedev(8, 57), "/", "/mnt/grabfs", kFileSystemType, "grabfs",
                                  "rw,user_id=0"}));
}

TEST(MountInfo, NamesWithBlanksAreUnescaped) {
  const auto mounts = ParseMountInfo(
      "90 22 0:57 / /mnt/my\\040frames\\134x rw shared:3 - fuse.grabfs a\\011b rw\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].mountpoint, "/mnt/my frames\\x");
  EXPECT_EQ(mounts[0].source, "a\tb");
}

TEST(MountInfo, WhatLooksLikeAnEscapeAndIsNoneStays) {
  const auto mounts = ParseMountInfo("90 22 0:57 / /mnt/a\\09\\04 rw - tmpfs x rw\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].mountpoint, "/mnt/a\\09\\04");
}

TEST(MountInfo, JunkIsNoMount) {
  EXPECT_TRUE(ParseMountInfo("").empty());
  EXPECT_TRUE(ParseMountInfo("- fuse.grabfs\n - fuse.grabfs x\n"
                             "90 22 zero / / rw - fuse.grabfs x rw\n90 22 0:1 / / rw - \n")
                  .empty());
}

TEST(MountInfo, ThisMachinesMountsAreThere) {
  ASSERT_TRUE(FindMount("/proc"));
  EXPECT_EQ(FindMount("/proc")->type, "proc");
  struct stat proc = {};
  ASSERT_EQ(::stat("/proc", &proc), 0);
  EXPECT_EQ(MountDeviceNumber("/proc"), proc.st_dev);
  EXPECT_FALSE(FindMount("/proc/self/maps"));
  EXPECT_EQ(MountDeviceNumber("/nothing/here"), 0U);
}

}  // namespace
}  // namespace grabfs
