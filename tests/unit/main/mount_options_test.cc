// SPDX-License-Identifier: Apache-2.0
//
// What -o takes, and what it says about words that it does not take.
#include "fusefs/main/mount_options.h"

#include <gmock/gmock.h>

#include <cerrno>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

FileSystem::Options Applied(const std::string& words) {
  DaemonOptions options;
  ApplyMountOptions(words, options);
  return options.file_system;
}

// The message about words that are refused.
std::string Refusal(const std::string& words) {
  try {
    (void)Applied(words);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), EINVAL) << words;
    return error.what();
  }
  ADD_FAILURE() << words << " was taken";
  return "";
}

TEST(MountOptionsTest, OwnersHaveNamesOrNumbers) {
  EXPECT_EQ(Applied("uid=4711").uid, 4711U);
  EXPECT_EQ(Applied("gid=0815").gid, 815U);
  EXPECT_EQ(Applied("uid=4711,uid=root").uid, 0U);
  EXPECT_EQ(Applied("gid=4711,gid=root").gid, 0U);
}

TEST(MountOptionsTest, AnUnknownOwnerIsRefused) {
  EXPECT_THAT(Refusal("uid=no-such-user"),
              StartsWith("-o uid=no-such-user: no such user: write a name"));
  EXPECT_THAT(Refusal("gid=no-such-group"), HasSubstr("'getent group'"));
  for (const char* words : {"uid=", "gid=", "uid=-1", "uid=99999999999", "uid=4294967295", "gid"}) {
    EXPECT_NE(Refusal(words), "");
  }
}

TEST(MountOptionsTest, ModesAreOctal) {
  const Modes modes = Applied("umask=077,frame_mode=0440,control_mode=660").modes;
  EXPECT_EQ(modes.umask, 077U);
  EXPECT_EQ(modes.frame, mode_t{0440});
  EXPECT_EQ(modes.control, mode_t{0660});
  EXPECT_EQ(Applied("").modes.frame, std::nullopt);
}

TEST(MountOptionsTest, AModeThatIsNoneIsRefused) {
  EXPECT_THAT(Refusal("frame_mode=0550"), StartsWith("-o frame_mode=0550: files cannot be exec"));
  for (const char* words : {"frame_mode=", "control_mode=u+r", "control_mode=888",
                            "frame_mode=1640", "control_mode=0755", "umask=1000"}) {
    EXPECT_NE(Refusal(words), "");
  }
}

TEST(MountOptionsTest, TheWordsAreKeptForRemounting) {
  EXPECT_EQ(Applied("ro,gid=0,allow_other").options, "ro,gid=0,allow_other");
  DaemonOptions options;
  ApplyMountOptions("ro", options);
  EXPECT_FALSE(options.remount);
  ApplyMountOptions("remount,rw", options);
  EXPECT_TRUE(options.remount);
  EXPECT_EQ(options.file_system.options, "ro,remount,rw");
}

}  // namespace
}  // namespace grabfs
