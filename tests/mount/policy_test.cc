// SPDX-License-Identifier: Apache-2.0
//
// The two policies: keep-newest recycles the oldest frame that nobody holds; keep-oldest stops
// taking frames until one is given up. Either way a lost frame is counted and told.
#include <unistd.h>

#include <cerrno>
#include <numeric>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

class PolicyTest : public MountTest {
 protected:
  [[nodiscard]] uint64_t Counter(const char* name) const {
    return device().Status().at("counters").at(name);
  }
  [[nodiscard]] int GiveUp(uint64_t sequence) const {
    return ErrorOf(::unlink(device().Frame(sequence).c_str()));
  }
  void ExpectBooksClose() const {
    EXPECT_EQ(Counter("captured"), Counter("delivered") + Counter("recycled") + Counter("dropped") +
                                       Counter("failed") + Counter("present"))
        << device().Status().dump();
  }
};

std::vector<uint64_t> Range(uint64_t first, size_t count) {
  std::vector<uint64_t> sequences(count);
  std::iota(sequences.begin(), sequences.end(), first);
  return sequences;
}

TEST_F(PolicyTest, KeepNewestIsTheDefault) { EXPECT_EQ(device().Get("policy"), "keep-newest"); }

TEST_F(PolicyTest, KeepNewestKeepsTheNewest) {
  const uint64_t last = device().Capture(3 * kBuffers);
  EXPECT_EQ(device().Frames().back(), last);
  EXPECT_EQ(Counter("dropped"), 0U);
  EXPECT_EQ(Counter("recycled"), Counter("captured") - Counter("present"));
  ExpectBooksClose();
}

TEST_F(PolicyTest, KeepOldestKeepsTheOldestAndCountsTheRest) {
  device().Set("policy", "keep-oldest");
  const uint64_t first = device().NextSequence();
  device().Capture(kBuffers + 3);
  EXPECT_EQ(device().Frames(), Range(first, kBuffers));
  EXPECT_EQ(Counter("dropped"), 3U);
  EXPECT_EQ(Counter("recycled"), 0U);
  ExpectBooksClose();
}

TEST_F(PolicyTest, AFrameGivenUpMakesRoomForTheNext) {
  device().Set("policy", "keep-oldest");
  const uint64_t first = device().NextSequence();
  device().Capture(kBuffers + 3);
  EXPECT_EQ(GiveUp(first), 0);
  EXPECT_FALSE(Exists(device().Frame(first)));
  const uint64_t next = device().Capture(1);
  EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Frame(next)), next));
  EXPECT_EQ(next, first + kBuffers + 3);
  ExpectBooksClose();
}

TEST_F(PolicyTest, KeepOldestLosesNothingToAReaderThatGivesUpWhatItHasRead) {
  device().Set("policy", "keep-oldest");
  for (unsigned i = 0; i < 10 * kBuffers; i++) {
    const uint64_t sequence = device().Capture(1);
    ASSERT_TRUE(picture_.IsFrame(ReadFile(device().Frame(sequence)), sequence));
    ASSERT_EQ(GiveUp(sequence), 0);
  }
  EXPECT_EQ(Counter("dropped"), 0U);
  EXPECT_EQ(Counter("delivered"), 10 * kBuffers);
  ExpectBooksClose();
}

TEST_F(PolicyTest, AHeldFrameThatIsGivenUpStaysWithItsHolder) {
  device().Set("policy", "keep-oldest");
  const uint64_t first = device().NextSequence();
  device().Capture(kBuffers);
  UniqueFd fd = Open(device().Frame(first), O_RDONLY);
  EXPECT_EQ(GiveUp(first), 0);
  EXPECT_EQ(OpenError(device().Frame(first), O_RDONLY), ENOENT);
  device().Capture(2);
  EXPECT_EQ(Counter("dropped"), 2U);
  EXPECT_TRUE(picture_.IsFrame(ReadAll(fd.get()), first));
  fd.reset();
  EXPECT_TRUE(WaitUntil([this] { return Exists(device().Frame(device().Capture(1))); }));
  ExpectBooksClose();
}

TEST_F(PolicyTest, AMappedFrameThatIsGivenUpStaysWithItsMapping) {
  device().Set("policy", "keep-oldest");
  const uint64_t first = device().NextSequence();
  device().Capture(kBuffers);
  Mapping mapping = MapAndClose(device().Frame(first));
  EXPECT_EQ(GiveUp(first), 0);
  device().Capture(2);
  EXPECT_TRUE(picture_.IsFrame(mapping.bytes(), first));
  mapping.Unmap();
  EXPECT_TRUE(WaitUntil([this] { return Exists(device().Frame(device().Capture(1))); }));
  ExpectBooksClose();
}

TEST_F(PolicyTest, FramesCanBeGivenUpUnderKeepNewestToo) {
  const uint64_t last = device().Capture(kBuffers);
  EXPECT_EQ(GiveUp(last), 0);
  EXPECT_EQ(GiveUp(last), ENOENT);
  EXPECT_EQ(device().Frames(), Range(last - kBuffers + 1, kBuffers - 1));
  ExpectBooksClose();
}

TEST_F(PolicyTest, RmGivesAllFramesUp) {
  device().Capture(kBuffers);
  const CommandResult result = RunShell("rm " + device().Path("frames") + "/*.raw");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(device().Frames().empty());
  EXPECT_EQ(Counter("present"), 0U);
  EXPECT_EQ(device().Status().at("buffers").at("free"), kBuffers);
}

TEST_F(PolicyTest, ThePolicyCanChangeWhileStreaming) {
  device().Set("state", "start");
  device().Set("policy", "keep-oldest");
  EXPECT_TRUE(WaitUntil([this] { return Counter("dropped") > 0; }));
  const std::vector<uint64_t> kept = device().Frames();
  EXPECT_EQ(kept.size(), kBuffers);
  EXPECT_EQ(device().Frames(), kept);
  device().Set("policy", "keep-newest");
  EXPECT_TRUE(WaitUntil([&] { return device().Frames() != kept; }));
  device().Stop();
  ExpectBooksClose();
}

TEST_F(PolicyTest, ADeliveredFrameIsCountedOnceHoweverOftenItIsOpened) {
  const uint64_t sequence = device().Capture(1);
  for (int i = 0; i < 5; i++) ReadFile(device().Frame(sequence));
  EXPECT_EQ(GiveUp(sequence), 0);
  EXPECT_TRUE(WaitUntil([this] { return Counter("delivered") == 1; }));
  EXPECT_EQ(Counter("recycled"), 0U);
  ExpectBooksClose();
}

}  // namespace
}  // namespace grabfs::mount_test
