// SPDX-License-Identifier: Apache-2.0
//
// The promise of holding: while one descriptor or one mapping of a frame exists anywhere, or a lock
// on its buffer, capture goes round it; when the last one goes, the buffer comes back by itself.
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

// Enough further frames that every buffer which can be reused has been.
constexpr unsigned kManyFrames = 3 * kBuffers;

class HoldTest : public MountTest {
 protected:
  // The file of the frame that a test holds, captured just now.
  std::string CaptureOne() {
    sequence_ = device().Capture(1);
    return device().Frame(sequence_);
  }

  // Captures round the frame; it must still be there, whole, with no other frame lost.
  void ExpectHeld() const {
    device().Capture(kManyFrames);
    EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Frame(sequence_)), sequence_));
    EXPECT_EQ(device().Status().at("counters").at("dropped"), 0U) << device().Status().dump();
  }

  void ExpectRecycled() const {
    EXPECT_TRUE(device().IsRecycled(sequence_)) << device().Status().dump();
    EXPECT_TRUE(WaitUntil([this] { return device().Status().at("buffers").at("held") == 0; }))
        << device().Status().dump();
  }

  // The buffer in which the frame is, by what the buffers say themselves.
  [[nodiscard]] std::string BufferOfFrame() const {
    for (unsigned i = 0; i < kBuffers; i++) {
      if (Xattr(device().Buffer(i), "sequence") == std::to_string(sequence_)) {
        return device().Buffer(i);
      }
    }
    throw std::runtime_error("no buffer has the frame");
  }

  uint64_t sequence_ = 0;
};

TEST_F(HoldTest, WithoutHoldersTheOldestFrameIsRecycled) {
  CaptureOne();
  ExpectRecycled();
}

TEST_F(HoldTest, AnOpenDescriptorHolds) {
  UniqueFd fd = Open(CaptureOne(), O_RDONLY);
  ExpectHeld();
  EXPECT_EQ(device().Status().at("buffers").at("held"), 1U);
  EXPECT_TRUE(picture_.IsFrame(ReadAll(fd.get()), sequence_));
  fd.reset();
  ExpectRecycled();
}

TEST_F(HoldTest, TheLastOfManyDescriptorsLetsGo) {
  const std::string path = CaptureOne();
  UniqueFd first = Open(path, O_RDONLY);
  UniqueFd second = Open(path, O_RDONLY);
  UniqueFd copy(::dup(second.get()));
  first.reset();
  ExpectHeld();
  second.reset();
  ExpectHeld();
  copy.reset();
  ExpectRecycled();
}

TEST_F(HoldTest, AMappingOutlivesClose) {
  Mapping mapping = MapAndClose(CaptureOne());
  ExpectHeld();
  EXPECT_TRUE(picture_.IsFrame(mapping.bytes(), sequence_));
  mapping.Unmap();
  ExpectRecycled();
}

TEST_F(HoldTest, APrivateMappingOutlivesClose) {
  Mapping mapping = MapAndClose(CaptureOne(), PROT_READ, MAP_PRIVATE);
  ExpectHeld();
  EXPECT_TRUE(picture_.IsFrame(mapping.bytes(), sequence_));
  mapping.Unmap();
  ExpectRecycled();
}

TEST_F(HoldTest, AMappingThatWasNeverTouchedHolds) {
  Mapping mapping = MapAndClose(CaptureOne());
  device().Capture(kManyFrames);
  EXPECT_TRUE(picture_.IsFrame(mapping.bytes(), sequence_));
  mapping.Unmap();
  ExpectRecycled();
}

TEST_F(HoldTest, OnePageLeftOfAMappingHolds) {
  constexpr size_t kPage = 4096;
  UniqueFd fd = Open(CaptureOne(), O_RDONLY);
  Mapping rest(fd.get(), picture_.bytes());
  Mapping page(fd.get(), kPage);
  fd.reset();
  rest.Unmap();
  ExpectHeld();
  EXPECT_EQ(Picture::Stamp(page.bytes()), sequence_);
  page.Unmap();
  ExpectRecycled();
}

TEST_F(HoldTest, WhatIsLeftOfASplitMappingHolds) {
  constexpr size_t kPage = 4096;
  Mapping mapping = MapAndClose(CaptureOne());
  ASSERT_EQ(::munmap(mapping.data() + kPage, kPage), 0);
  ExpectHeld();
  mapping.Unmap();
  ExpectRecycled();
}

TEST_F(HoldTest, AForkedChildsMappingHolds) {
  Mapping mapping = MapAndClose(CaptureOne());
  Child child([&](Child::Parent parent) {
    parent.Tell();
    parent.Await();
    return picture_.IsFrame(mapping.bytes(), sequence_) ? 0 : 1;
  });
  child.Await();
  mapping.Unmap();
  ExpectHeld();
  child.Tell();
  EXPECT_EQ(child.Wait(), 0);
  ExpectRecycled();
}

TEST_F(HoldTest, ADescriptorInASocketHolds) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  UniqueFd near(ends[0]);
  UniqueFd far(ends[1]);
  SendFd(near.get(), Open(CaptureOne(), O_RDONLY).get());
  ExpectHeld();
  near.reset();
  far.reset();
  ExpectRecycled();
}

TEST_F(HoldTest, AKilledReaderLetsGo) {
  const std::string path = CaptureOne();
  Child child([&](Child::Parent parent) {
    const UniqueFd fd = Open(path, O_RDONLY);
    const Mapping mapping = MapAndClose(path);
    parent.Tell();
    parent.Await();
    return 0;
  });
  child.Await();
  ExpectHeld();
  child.Kill();
  ExpectRecycled();
}

TEST_F(HoldTest, HeldFramesStayWhileOthersComeAndGo) {
  std::vector<Mapping> held;
  std::vector<uint64_t> sequences;
  for (unsigned i = 0; i + 1 < kBuffers; i++) {
    const std::string path = CaptureOne();
    held.push_back(MapAndClose(path));
    sequences.push_back(sequence_);
  }
  ExpectHeld();
  for (size_t i = 0; i < held.size(); i++) {
    EXPECT_TRUE(picture_.IsFrame(held[i].bytes(), sequences[i]));
  }
}

TEST_F(HoldTest, AllBuffersHeldMeansDropsAndNoHarm) {
  std::vector<UniqueFd> held;
  device().Capture(kBuffers);
  const std::vector<uint64_t> sequences = device().Frames();
  for (const uint64_t sequence : sequences)
    held.push_back(Open(device().Frame(sequence), O_RDONLY));
  device().Capture(5);
  EXPECT_EQ(device().Status().at("counters").at("dropped"), 5U);
  EXPECT_EQ(device().Frames(), sequences);
  for (size_t i = 0; i < held.size(); i++) {
    EXPECT_TRUE(picture_.IsFrame(ReadAll(held[i].get()), sequences[i]));
  }
  held.clear();
  EXPECT_TRUE(device().IsRecycled(sequences[0]));
}

TEST_F(HoldTest, FollowersOfBuffersDoNotHoldFrames) {
  std::vector<Mapping> followers;
  for (unsigned i = 0; i < kBuffers; i++) followers.push_back(MapAndClose(device().Buffer(i)));
  CaptureOne();
  ExpectRecycled();
  const uint64_t last = device().Capture(kManyFrames);
  EXPECT_EQ(device().Status().at("counters").at("dropped"), 0U) << device().Status().dump();
  EXPECT_EQ(device().Frames().back(), last);
}

TEST_F(HoldTest, AFrameMappedBesideAFollowerIsHeldUntilItsOwnMappingGoes) {
  std::vector<Mapping> followers;
  for (unsigned i = 0; i < kBuffers; i++) followers.push_back(MapAndClose(device().Buffer(i)));
  Mapping frame = MapAndClose(CaptureOne());
  ExpectHeld();
  EXPECT_TRUE(picture_.IsFrame(frame.bytes(), sequence_));
  frame.Unmap();
  ExpectRecycled();
}

TEST_F(HoldTest, ALockOnTheBufferHoldsItsFrame) {
  for (const int kind : {LOCK_SH, LOCK_EX}) {
    CaptureOne();
    const UniqueFd buffer = Open(BufferOfFrame(), O_RDONLY);
    ASSERT_EQ(ErrorOf(::flock(buffer.get(), kind)), 0);
    ExpectHeld();
    EXPECT_TRUE(picture_.IsFrame(ReadAll(buffer.get()), sequence_));
    ASSERT_EQ(ErrorOf(::flock(buffer.get(), LOCK_UN)), 0);
    ExpectRecycled();
  }
}

// Closed frames are looked after some moments later, when the lock may hold the buffer still.
TEST_F(HoldTest, AFrameClosedLongBeforeTheUnlockIsRecycledWhileTheBufferIsOpen) {
  CaptureOne();
  const UniqueFd buffer = Open(BufferOfFrame(), O_RDONLY);
  ASSERT_EQ(ErrorOf(::flock(buffer.get(), LOCK_SH)), 0);
  ExpectHeld();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // for those moments
  ASSERT_EQ(ErrorOf(::flock(buffer.get(), LOCK_UN)), 0);
  ExpectRecycled();
}

TEST_F(HoldTest, SoIsOneThatWasClosedLongBeforeItsPicture) {
  std::string name = CaptureOne();
  name.replace(name.rfind("/frames/"), 8, "/frames.npy/").replace(name.rfind("raw"), 3, "npy");
  const UniqueFd buffer = Open(BufferOfFrame(), O_RDONLY);
  UniqueFd picture = Open(name, O_RDONLY);
  ExpectHeld();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // as above
  picture.reset();
  ExpectRecycled();
}

TEST_F(HoldTest, LocksExcludeEachOtherAsFlockSays) {
  CaptureOne();
  const UniqueFd one = Open(BufferOfFrame(), O_RDONLY);
  const UniqueFd two = Open(BufferOfFrame(), O_RDONLY);
  ASSERT_EQ(ErrorOf(::flock(one.get(), LOCK_SH)), 0);
  EXPECT_EQ(ErrorOf(::flock(two.get(), LOCK_SH | LOCK_NB)), 0);
  EXPECT_EQ(ErrorOf(::flock(two.get(), LOCK_EX | LOCK_NB)), EWOULDBLOCK);
  ASSERT_EQ(ErrorOf(::flock(one.get(), LOCK_UN)), 0);
  EXPECT_EQ(ErrorOf(::flock(two.get(), LOCK_EX | LOCK_NB)), 0);
  EXPECT_EQ(ErrorOf(::flock(one.get(), LOCK_SH | LOCK_NB)), EWOULDBLOCK);
}

TEST_F(HoldTest, ABlockedLockIsGrantedWhenTheOtherGoes) {
  CaptureOne();
  const std::string buffer = BufferOfFrame();
  Child child([&](Child::Parent parent) {
    parent.Await();
    const UniqueFd fd = Open(buffer, O_RDONLY);
    const bool waits = ErrorOf(::flock(fd.get(), LOCK_EX | LOCK_NB)) == EWOULDBLOCK;
    parent.Tell();
    return waits ? ErrorOf(::flock(fd.get(), LOCK_EX)) : 1;
  });
  // Opened after the fork: a descriptor that the child had too would keep the lock.
  UniqueFd mine = Open(buffer, O_RDONLY);
  ASSERT_EQ(ErrorOf(::flock(mine.get(), LOCK_EX)), 0);
  child.Tell();
  child.Await();
  mine.reset();
  EXPECT_EQ(child.Wait(), 0);
}

// After fork() two processes may wait for one and the same lock owner. Killing one must end it, and
// must not take the answer away from the other.
TEST_F(HoldTest, AKilledWaiterEndsAndItsSiblingWaitsOn) {
  CaptureOne();
  const UniqueFd shared = Open(BufferOfFrame(), O_RDONLY);
  const UniqueFd holder = Open(BufferOfFrame(), O_RDONLY);
  ASSERT_EQ(ErrorOf(::flock(holder.get(), LOCK_EX)), 0);
  const auto wait_for_lock = [&](Child::Parent parent) {
    parent.Tell();
    return ErrorOf(::flock(shared.get(), LOCK_SH));
  };
  Child killed(wait_for_lock);
  Child sibling(wait_for_lock);
  killed.Await();
  sibling.Await();
  // Time to get into flock(); were it not enough, the test would only prove less.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  killed.Kill();
  ASSERT_EQ(ErrorOf(::flock(holder.get(), LOCK_UN)), 0);
  EXPECT_EQ(sibling.Wait(), 0);
}

TEST_F(HoldTest, ClosingADescriptorUnlocksIt) {
  CaptureOne();
  UniqueFd buffer = Open(BufferOfFrame(), O_RDONLY);
  ASSERT_EQ(ErrorOf(::flock(buffer.get(), LOCK_SH)), 0);
  ExpectHeld();
  buffer.reset();
  ExpectRecycled();
}

TEST_F(HoldTest, AKilledLockHolderLetsGo) {
  CaptureOne();
  const std::string buffer = BufferOfFrame();
  Child child([&](Child::Parent parent) {
    const UniqueFd fd = Open(buffer, O_RDONLY);
    if (::flock(fd.get(), LOCK_EX) != 0) return 1;
    parent.Tell();
    parent.Await();
    return 0;
  });
  child.Await();
  ExpectHeld();
  child.Kill();
  ExpectRecycled();
}

TEST_F(HoldTest, FlockAndCpWorkFromAShell) {
  CaptureOne();
  const std::string copy = MakeScratchDirectory("copy") + "/frame.raw";
  const CommandResult result =
      RunShell("flock -s " + BufferOfFrame() + " cp " + BufferOfFrame() + " " + copy);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(picture_.IsFrame(ReadFile(copy), sequence_));
  ExpectRecycled();
}

// A lock is only granted on a complete frame, however fast buffers are refilled.
TEST_F(HoldTest, ALockedBufferShowsOneWholeFrameWhileCaptureRunsFlatOut) {
  device().Capture(kBuffers);
  device().Set("state", "start");
  const auto end = std::chrono::steady_clock::now() + SoakTime() / 10;
  // However slow the machine, each buffer has its turn.
  for (unsigned round = 0;
       !HasFailure() && (round <= kBuffers || std::chrono::steady_clock::now() < end); ++round) {
    const UniqueFd buffer = Open(device().Buffer(round % kBuffers), O_RDONLY);
    ASSERT_EQ(ErrorOf(::flock(buffer.get(), LOCK_SH)), 0);
    const std::vector<std::byte> pixels = ReadAll(buffer.get());
    const uint64_t sequence = Picture::Stamp(pixels);
    EXPECT_TRUE(picture_.IsFrame(pixels, sequence));
    EXPECT_EQ(XattrFd(buffer.get(), "sequence"), std::to_string(sequence));
    EXPECT_TRUE(picture_.IsFrame(Mapping(buffer.get(), picture_.bytes()).bytes(), sequence));
  }
}

TEST_F(HoldTest, ALockWithoutWaitingNeverBlocks) {
  device().Set("state", "start");
  for (unsigned i = 0; i < 200; i++) {
    const UniqueFd buffer = Open(device().Buffer(i % kBuffers), O_RDONLY);
    const int error = ErrorOf(::flock(buffer.get(), LOCK_SH | LOCK_NB));
    EXPECT_TRUE(error == 0 || error == EWOULDBLOCK) << error;
  }
}

}  // namespace
}  // namespace grabfs::mount_test
