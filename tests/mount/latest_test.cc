// SPDX-License-Identifier: Apache-2.0
//
// The promise of latest.raw: the newest complete frame at the instant of the open, and from then on
// that frame, as if it had been opened by its number.
#include <unistd.h>

#include <cerrno>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

using LatestTest = MountTest;

TEST_F(LatestTest, BeforeTheFirstFrameThereIsNone) {
  EXPECT_EQ(OpenError(device().latest(), O_RDONLY), ENOENT);
  EXPECT_FALSE(Exists(device().latest()));
}

TEST_F(LatestTest, ItIsTheNewestFrame) {
  for (unsigned i = 0; i < 3 * kBuffers; i++) {
    const uint64_t sequence = device().Capture(1);
    EXPECT_TRUE(picture_.IsFrame(ReadFile(device().latest()), sequence));
    EXPECT_EQ(Xattr(device().latest(), "sequence"), std::to_string(sequence));
  }
}

TEST_F(LatestTest, ItIsTheVeryFileOfTheFrame) {
  const uint64_t sequence = device().Capture(1);
  EXPECT_EQ(Stat(device().latest()).st_ino, Stat(device().Frame(sequence)).st_ino);
  EXPECT_EQ(OpenError(device().latest(), O_RDWR), EACCES);
}

TEST_F(LatestTest, OnceOpenItStaysTheSameFrame) {
  const uint64_t sequence = device().Capture(1);
  const UniqueFd fd = Open(device().latest(), O_RDONLY);
  device().Capture(3 * kBuffers);
  EXPECT_TRUE(picture_.IsFrame(ReadAll(fd.get()), sequence));
  EXPECT_EQ(XattrFd(fd.get(), "sequence"), std::to_string(sequence));
}

TEST_F(LatestTest, WithDropsItIsTheNewestThatIsThere) {
  const uint64_t last = device().Capture(kBuffers);
  std::vector<UniqueFd> held;
  for (const uint64_t sequence : device().Frames()) {
    held.push_back(Open(device().Frame(sequence), O_RDONLY));
  }
  device().Capture(3);
  EXPECT_TRUE(picture_.IsFrame(ReadFile(device().latest()), last));
}

TEST_F(LatestTest, WhenTheNewestIsGivenUpItIsTheOneBefore) {
  const uint64_t last = device().Capture(2);
  ASSERT_EQ(ErrorOf(::unlink(device().Frame(last).c_str())), 0);
  EXPECT_TRUE(picture_.IsFrame(ReadFile(device().latest()), last - 1));
  ASSERT_EQ(ErrorOf(::unlink(device().Frame(last - 1).c_str())), 0);
  EXPECT_EQ(OpenError(device().latest(), O_RDONLY), ENOENT);
}

// Frames come and go between lookup and open all the time here; no reader may notice. There are
// buffers enough for those that wait for a late RELEASE: with all but one held, capture goes on in
// that one, and the newest frame is an older one while it is filled.
TEST_F(LatestTest, FlatOutEveryOpenYieldsOneWholeFrameAndNeverAnOlderOne) {
  Start({{"sim0=pattern,format=GREY,width=130,height=94,rate=0,buffers=12,state=stopped"}, {}});
  device().Set("state", "start");
  ASSERT_TRUE(WaitUntil([this] { return Exists(device().latest()); }));
  const auto end = std::chrono::steady_clock::now() + SoakTime() / 5;
  uint64_t newest = 0;
  while ((std::chrono::steady_clock::now() < end || newest == 0) && !HasFailure()) {
    const UniqueFd fd = Open(device().latest(), O_RDONLY);
    const std::vector<std::byte> pixels = ReadAll(fd.get());
    const std::string sequence = XattrFd(fd.get(), "sequence");
    ASSERT_FALSE(sequence.empty());
    EXPECT_TRUE(picture_.IsFrame(pixels, std::stoull(sequence)));
    EXPECT_GE(std::stoull(sequence), newest);
    newest = std::stoull(sequence);
  }
  EXPECT_GT(newest, 0U);
}

}  // namespace
}  // namespace grabfs::mount_test
