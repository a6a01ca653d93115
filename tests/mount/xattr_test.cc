// SPDX-License-Identifier: Apache-2.0
//
// What a frame tells about itself: extended attributes, st_mtime, and their agreement with the
// device.
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

using XattrTest = MountTest;

constexpr int64_t kNsPerSecond = 1000000000;

int64_t Nanoseconds(const timespec& time) { return time.tv_sec * kNsPerSecond + time.tv_nsec; }

int64_t Now(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return Nanoseconds(now);
}

std::vector<std::string> XattrNames(const std::string& path) {
  std::array<char, 4096> names{};
  const ssize_t length = ::listxattr(path.c_str(), names.data(), names.size());
  std::vector<std::string> result;
  for (ssize_t i = 0; i < length; i += static_cast<ssize_t>(result.back().size()) + 1) {
    result.emplace_back(names.data() + i);
  }
  std::sort(result.begin(), result.end());
  return result;
}

TEST_F(XattrTest, AFrameHasExactlyTheseAttributes) {
  const std::vector<std::string> expected = {
      "user.grabfs.bytes_used", "user.grabfs.dropped",      "user.grabfs.flags",
      "user.grabfs.format",     "user.grabfs.height",       "user.grabfs.sequence",
      "user.grabfs.stride",     "user.grabfs.timestamp_ns", "user.grabfs.width"};
  EXPECT_EQ(XattrNames(device().Frame(device().Capture(1))), expected);
}

TEST_F(XattrTest, TheyDescribeTheFrame) {
  const uint64_t sequence = device().Capture(1);
  const std::string frame = device().Frame(sequence);
  EXPECT_EQ(Xattr(frame, "sequence"), std::to_string(sequence));
  EXPECT_EQ(Xattr(frame, "format"), "GREY");
  EXPECT_EQ(Xattr(frame, "width"), std::to_string(kWidth));
  EXPECT_EQ(Xattr(frame, "height"), std::to_string(kHeight));
  EXPECT_EQ(Xattr(frame, "stride"), device().Get("stride"));
  EXPECT_EQ(Xattr(frame, "bytes_used"), std::to_string(picture_.bytes()));
  EXPECT_EQ(Xattr(frame, "flags"), "0");
  EXPECT_EQ(Xattr(frame, "dropped"), "0");
}

TEST_F(XattrTest, GetfattrShowsThem) {
  const CommandResult result = RunShell("getfattr -d " + device().Frame(device().Capture(1)));
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.out.find("user.grabfs.format=\"GREY\""), std::string::npos) << result.out;
}

TEST_F(XattrTest, TheTimestampIsMonotonicTimeOfTheCapture) {
  const int64_t before = Now(CLOCK_MONOTONIC);
  const uint64_t first = device().Capture(2) - 1;
  const int64_t after = Now(CLOCK_MONOTONIC);
  const int64_t one = std::stoll(Xattr(device().Frame(first), "timestamp_ns"));
  const int64_t two = std::stoll(Xattr(device().Frame(first + 1), "timestamp_ns"));
  EXPECT_LE(before, one);
  EXPECT_LE(one, two);
  EXPECT_LE(two, after);
}

TEST_F(XattrTest, TheModificationTimeIsTheCaptureTime) {
  const std::string frame = device().Frame(device().Capture(1));
  const int64_t offset = Now(CLOCK_REALTIME) - Now(CLOCK_MONOTONIC);
  const int64_t captured = std::stoll(Xattr(frame, "timestamp_ns")) + offset;
  const int64_t modified = Nanoseconds(Stat(frame).st_mtim);
  EXPECT_LT(std::abs(modified - captured), kNsPerSecond);
  device().Capture(1);
  EXPECT_EQ(Nanoseconds(Stat(frame).st_mtim), modified);
}

TEST_F(XattrTest, AHeldFrameKeepsItsAttributes) {
  const uint64_t sequence = device().Capture(1);
  const UniqueFd fd = Open(device().Frame(sequence), O_RDONLY);
  const std::string timestamp = XattrFd(fd.get(), "timestamp_ns");
  device().Capture(3 * kBuffers);
  EXPECT_EQ(XattrFd(fd.get(), "sequence"), std::to_string(sequence));
  EXPECT_EQ(XattrFd(fd.get(), "timestamp_ns"), timestamp);
}

TEST_F(XattrTest, TheNextFrameTellsHowManyWereDroppedBeforeIt) {
  device().Set("policy", "keep-oldest");
  device().Capture(kBuffers + 3);
  ASSERT_EQ(ErrorOf(::unlink(device().Frame(device().Frames().front()).c_str())), 0);
  const uint64_t next = device().Capture(1);
  EXPECT_EQ(Xattr(device().Frame(next), "dropped"), "3");
}

TEST_F(XattrTest, ABufferTellsWhichFrameItHolds) {
  EventReader events(device());
  device().Set("trigger", "1");
  const nlohmann::json frame = events.NextOf("frame");
  const std::string buffer = device().Buffer(frame.at("buffer"));
  EXPECT_EQ(Xattr(buffer, "sequence"), std::to_string(frame.at("sequence").get<uint64_t>()));
  EXPECT_EQ(Xattr(buffer, "timestamp_ns"), Xattr(device().latest(), "timestamp_ns"));
}

TEST_F(XattrTest, TheyFollowTheRulesOfGetxattr) {
  const std::string frame = device().Frame(device().Capture(1));
  std::array<char, 2> small{};
  EXPECT_EQ(::getxattr(frame.c_str(), "user.grabfs.format", nullptr, 0), 4);
  EXPECT_EQ(ErrorOf(::getxattr(frame.c_str(), "user.grabfs.format", small.data(), small.size())),
            ERANGE);
  EXPECT_GT(::listxattr(frame.c_str(), nullptr, 0), 0);
  EXPECT_EQ(ErrorOf(::listxattr(frame.c_str(), small.data(), small.size())), ERANGE);
  EXPECT_EQ(ErrorOf(::getxattr(frame.c_str(), "user.grabfs.colour", nullptr, 0)), ENODATA);
  EXPECT_EQ(ErrorOf(::getxattr(frame.c_str(), "user.other", nullptr, 0)), ENODATA);
}

TEST_F(XattrTest, TheyCannotBeChanged) {
  const std::string frame = device().Frame(device().Capture(1));
  EXPECT_NE(ErrorOf(::setxattr(frame.c_str(), "user.grabfs.sequence", "9", 1, 0)), 0);
  EXPECT_NE(ErrorOf(::setxattr(frame.c_str(), "user.mine", "9", 1, 0)), 0);
  EXPECT_NE(ErrorOf(::removexattr(frame.c_str(), "user.grabfs.sequence")), 0);
  EXPECT_EQ(XattrNames(frame).size(), 9U);
}

}  // namespace
}  // namespace grabfs::mount_test
