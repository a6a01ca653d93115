// SPDX-License-Identifier: Apache-2.0
//
// An overlayfs over the mount, as containers have: frames are read and mapped through it.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>

#include <cerrno>

#include "fusefs/base/error.h"
#include "tests/mount/support/channel.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

class OverlayTest : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    // Without an upper layer there must be two lower ones.
    const std::string options = "lowerdir=" + mount().path() + ":" + MakeScratchDirectory("empty");
    if (::mount("overlay", place_.c_str(), "overlay", MS_RDONLY, options.c_str()) == 0) return;
    ASSERT_EQ(errno, ENODEV) << "the mount is refused as a lower layer";
    GTEST_SKIP() << "this kernel has no overlayfs";
  }
  void TearDown() override { ForceUnmount(place_); }

  // Of the device, by way of the overlay.
  [[nodiscard]] std::string Path(const std::string& name) const { return place_ + "/sim0/" + name; }

  const std::string place_ = MakeScratchDirectory("overlay");
};

TEST_F(OverlayTest, FramesAreReadMappedAndSentThroughIt) {
  const uint64_t sequence = device().Capture(1);
  const std::string frame = Path("latest.raw");
  EXPECT_TRUE(picture_.IsFrame(ReadFile(frame), sequence));
  const UniqueFd fd = Open(frame, O_RDONLY);
  EXPECT_TRUE(picture_.IsFrame(Mapping(fd.get(), picture_.bytes()).bytes(), sequence));
  const std::string copy = MakeScratchDirectory("copy") + "/frame";
  {
    const UniqueFd out(CheckSyscall(::open(copy.c_str(), O_CREAT | O_WRONLY, 0600), copy));
    off_t offset = 0;
    EXPECT_EQ(::sendfile(out.get(), fd.get(), &offset, picture_.bytes()),
              static_cast<ssize_t>(picture_.bytes()));
  }
  EXPECT_TRUE(picture_.IsFrame(ReadFile(copy), sequence));
}

// Reads through it are reported to nobody; an open of its kind counts as one.
TEST_F(OverlayTest, WhatIsSplicedThroughItStays) {
  const uint64_t sequence = device().Capture(1);
  UniqueFd fd = Open(Path("latest.raw"), O_RDONLY);
  const Channel channel = Channel::Pipe();
  const size_t moved = channel.Splice(fd.get(), 0, picture_.bytes());
  ASSERT_EQ(moved, picture_.bytes());
  fd.reset();
  EXPECT_TRUE(device().IsRecycled(sequence)) << device().Status().dump();
  device().Capture(4 * kBuffers);
  EXPECT_TRUE(picture_.IsFrame(channel.Receive(), sequence));
}

TEST_F(OverlayTest, BuffersAreReadThroughIt) {
  device().Capture(kBuffers);
  EXPECT_EQ(ReadFile(Path("buffers/000.raw")), ReadFile(device().Buffer(0)));
}

TEST_F(OverlayTest, AttributesAreTooAsTheyAreNow) {
  EXPECT_EQ(ReadText(Path("state")), "stopped\n");
  device().Set("state", "start");
  EXPECT_EQ(ReadText(Path("state")), "streaming\n");
}

}  // namespace
}  // namespace grabfs::mount_test
