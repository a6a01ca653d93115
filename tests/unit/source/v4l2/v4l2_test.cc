// SPDX-License-Identifier: Apache-2.0
//
// Capturing from a V4L2 camera: the ways into memory and the choice among them, losses and faults,
// times, the end. Real drivers are in tests/vm.
#include "fusefs/source/v4l2/v4l2.h"

#include <cerrno>
#include <climits>

#include "fusefs/base/clock.h"
#include "tests/unit/source/v4l2/rig.h"

namespace grabfs {
namespace {

using Kind = Completion::Kind;
using V4l2 = V4l2Rig;

// --- Ways into memory

TEST_F(V4l2, TheDriverWritesIntoOurMemoryWhereItTakesIt) {
  Start();
  EXPECT_EQ(Setting("io"), "userptr");
  EXPECT_EQ(camera().memory(), uint32_t{V4L2_MEMORY_USERPTR});
  camera().Capture(7);
  const Completion frame = Next();
  EXPECT_EQ(frame.kind, Kind::kFrame);
  EXPECT_EQ(frame.bytes_used, 64u * 48);
  EXPECT_EQ(ValueOf(frame.buffer), 7);
}

// More often than there are addresses that come back, with more buffers than the driver has at
// once.
TEST_F(V4l2, MemoryThatHasOtherPagesIsGivenAtAnotherAddress) {
  Start();
  for (int round = 1; round < 50; ++round) {
    while (camera().queued() > 0) {
      camera().Capture(static_cast<uint8_t>(round));
      const Completion frame = Next();
      ASSERT_EQ(frame.kind, Kind::kFrame) << frame.reason;
      ASSERT_EQ(ValueOf(frame.buffer), round) << "the driver wrote into the old pages";
    }
    RenewMemory();
    EXPECT_GT(Supply(), 0U);
  }
}

TEST_F(V4l2, IsCopiedOnceWhereTheDriverTakesNone) {
  camera().takes_userptr = false;
  Start();
  EXPECT_EQ(Setting("io"), "mmap");
  EXPECT_NE(Setting("io_reason").find("userptr: "), std::string::npos) << Setting("io_reason");
  camera().Capture(9);
  const Completion frame = Next();
  EXPECT_EQ(frame.kind, Kind::kFrame);
  EXPECT_EQ(ValueOf(frame.buffer), 9);
}

TEST_F(V4l2, ScatteredMemoryMustNotBeRefusedWhenItIsQueued) {
  camera().takes_scattered = false;
  Start();
  EXPECT_EQ(Setting("io"), "mmap");
}

TEST_F(V4l2, AWayCanBeForced) {
  Start(",io=mmap");
  EXPECT_EQ(camera().memory(), uint32_t{V4L2_MEMORY_MMAP});
  EXPECT_EQ(Setting("io_reason"), "as asked for");
}

TEST_F(V4l2, AForcedWayThatDoesNotExistIsAnErrorWithTheReason) {
  camera().takes_userptr = false;
  const std::string text = ErrorOf(EINVAL, [&] { Make(",io=userptr"); });
  EXPECT_NE(text.find("userptr: "), std::string::npos) << text;
}

TEST_F(V4l2, RefusesAWayThatItDoesNotKnow) {
  EXPECT_EQ(ErrorOf(EINVAL, [&] { Open(",io=magic"); }),
            "io=magic: use auto, userptr, dmabuf or mmap");
}

TEST_F(V4l2, ADriverThatDoesNotWriteWhatItSaysIsNotBelieved) {
  camera().sizes = {{128, 96}};
  camera().writes_only = 4096;
  Start(",width=128");
  camera().Capture(5);
  const Completion first = Next();
  EXPECT_EQ(first.kind, Kind::kError);
  EXPECT_NE(first.reason.find("from byte 4096 on"), std::string::npos) << first.reason;
  EXPECT_EQ(Setting("io"), "mmap");
  EXPECT_NE(Setting("io_reason").find("did not write"), std::string::npos);

  camera().Capture(6);
  const Completion second = Next();
  EXPECT_EQ(second.kind, Kind::kFrame);
  EXPECT_EQ(ValueOf(second.buffer), 6);
  EXPECT_EQ(second.sequence, first.sequence + 1);
}

TEST_F(V4l2, AForcedWayIsNotLeftInSilence) {
  camera().writes_only = 0;
  Start(",io=userptr");
  camera().Capture(5);
  EXPECT_NE(ErrorOf(EINVAL, [&] { source().Dequeue(); }), "");
}

TEST_F(V4l2, OnlyTheFirstFramesAreLookedAt) {
  Start();
  for (int frame = 0; frame < 12; ++frame) {
    camera().Capture(1);
    EXPECT_EQ(Next().kind, Kind::kFrame);
    Supply();
  }
  camera().writes_only = 0;
  camera().Capture(2);
  EXPECT_EQ(Next().kind, Kind::kFrame);
}

TEST_F(V4l2, StoppedTheDeviceIsFreeForOthers) {
  Start();
  EXPECT_GT(camera().buffers(), 0u);
  source().Stop();
  EXPECT_EQ(camera().buffers(), 0u);
  EXPECT_FALSE(camera().streaming());
}

TEST_F(V4l2, ADeviceInUseIsMountedAllTheSameAndTriedAtTheStart) {
  camera().refuse_buffers = EBUSY;
  Make();
  EXPECT_EQ(Setting("io"), "unknown");
  EXPECT_NE(ErrorOf(EBUSY, [&] { source().Start(0); }).find("another program"), std::string::npos);
  camera().refuse_buffers = 0;
  source().Start(0);
  EXPECT_EQ(Setting("io"), "userptr");
}

TEST_F(V4l2, PlanesLieOneBehindAnother) {
  camera().multiplanar = true;
  camera().planes = 2;
  Start();
  EXPECT_EQ(source().format().bytes, 64u * 48);
  camera().Capture(3);
  const Completion frame = Next();
  EXPECT_EQ(frame.kind, Kind::kFrame);
  EXPECT_EQ(frame.bytes_used, 64u * 48);
  EXPECT_EQ(ValueOf(frame.buffer), 3);
}

TEST_F(V4l2, PlanesAreCopiedFromWhereTheirPicturesBegin) {
  camera().multiplanar = true;
  camera().planes = 2;
  camera().takes_userptr = false;
  camera().data_offset = 16;
  Start();
  camera().Capture(4);
  const Completion frame = Next();
  EXPECT_EQ(frame.kind, Kind::kFrame);
  EXPECT_EQ(frame.bytes_used, 64u * 48);
  EXPECT_EQ(ValueOf(frame.buffer), 4);
  source().Stop();
  EXPECT_EQ(camera().mapped, 0);
}

TEST_F(V4l2, LentMemoryIsFilledToo) {
  Make();
  const std::shared_ptr<Memory> memory = AllocateMemory("attached", source().format().bytes);
  const uint32_t attached = source().Attach(memory);
  source().Start(0);
  source().Queue(attached);
  camera().Capture(8);
  EXPECT_EQ(Next().buffer, attached);
  EXPECT_EQ(memory->bytes().back(), std::byte{8});
  source().Detach(attached);
}

// --- Losses and faults

TEST_F(V4l2, AGapInTheDriversNumbersIsALoss) {
  Start();
  camera().Capture(1);
  camera().sequence += 3;
  camera().Capture(2);
  const uint64_t first = Next().sequence;
  EXPECT_EQ(Next().sequence, first + 4);
}

TEST_F(V4l2, WhatWasLostBeforeTheFirstFrameIsNone) {
  Start();
  camera().sequence = 77;
  camera().Capture(1);
  EXPECT_EQ(Next().sequence, 0u);
}

TEST_F(V4l2, NumbersGoOnOverAWrapAndARestart) {
  Start();
  camera().sequence = UINT32_MAX;
  camera().Capture(1);
  camera().Capture(2);
  EXPECT_EQ(Next().sequence, 0u);
  EXPECT_EQ(Next().sequence, 1u);
  source().Stop();
  camera().sequence = 0;
  source().Start(0);
  Supply();
  camera().Capture(3);
  EXPECT_EQ(Next().sequence, 2u);
}

TEST_F(V4l2, APictureThatTheDriverCallsDamagedIsAnError) {
  Start();
  camera().Capture(1, V4L2_BUF_FLAG_ERROR);
  const Completion frame = Next();
  EXPECT_EQ(frame.kind, Kind::kError);
  EXPECT_NE(frame.reason, "");
}

TEST_F(V4l2, AFrameWithoutABufferToCopyToIsDropped) {
  camera().takes_userptr = false;
  Make();
  source().Start(0);
  camera().Capture(1);
  source().Starve();
  const Completion frame = Next();
  EXPECT_EQ(frame.kind, Kind::kDropped);
  EXPECT_EQ(frame.reason, "no free buffer");
}

TEST_F(V4l2, AFrameThatIsQuickerThanTheFirstBufferIsCopiedAllTheSame) {
  camera().takes_userptr = false;
  Make();
  source().Start(0);
  camera().Capture(3);
  EXPECT_EQ(source().Dequeue(), std::nullopt);
  Supply();
  const Completion frame = Next();
  EXPECT_EQ(frame.kind, Kind::kFrame);
  EXPECT_EQ(ValueOf(frame.buffer), 3);
}

TEST_F(V4l2, CaptureGoesOnAfterABreakWithoutBuffers) {
  Start();
  while (camera().queued() > 0) camera().Capture(1);
  camera().Capture(2);
  camera().Capture(3);
  uint64_t last = 0;
  while (const auto frame = source().Dequeue()) last = frame->sequence;
  EXPECT_GT(Supply(), 0u);
  camera().Capture(4);
  EXPECT_EQ(Next().sequence, last + 3);
}

TEST_F(V4l2, ABufferThatTheDriverRefusesOnceIsQueuedAgain) {
  for (const char* const keys : {",io=userptr", ",io=mmap"}) {
    Renew();
    Start(keys);
    const size_t queued = camera().queued();
    camera().refuse_queue = 1;
    camera().Capture(1);
    EXPECT_EQ(Next().kind, Kind::kFrame) << keys;
    Supply();
    EXPECT_EQ(source().Dequeue(), std::nullopt) << keys;
    EXPECT_EQ(camera().queued(), queued) << keys;
    camera().Capture(2);
    EXPECT_EQ(Next().kind, Kind::kFrame) << keys;
  }
}

TEST_F(V4l2, ADriverThatRefusesABufferForEverEndsTheCapture) {
  Start();
  camera().Capture(1);
  EXPECT_EQ(Next().kind, Kind::kFrame);
  camera().refuse_queue = INT_MAX;
  Supply();
  const auto until_refused = [&] {
    for (;;) EXPECT_EQ(source().Dequeue(), std::nullopt);
  };
  EXPECT_NE(ErrorOf(EINVAL, until_refused).find("queueing a buffer"), std::string::npos);
}

TEST_F(V4l2, TheEndOfAStreamIsAnErrorThatSaysWhatToDo) {
  Start();
  camera().end_of_stream = EIO;
  EXPECT_NE(ErrorOf(EIO, [&] { source().Dequeue(); }).find("start again"), std::string::npos);
}

TEST_F(V4l2, AnotherSignalIsAnErrorThatSaysWhatToDo) {
  Start();
  camera().signal_changed = true;
  EXPECT_NE(ErrorOf(EIO, [&] { source().Dequeue(); }).find("set width and height"),
            std::string::npos);
}

TEST_F(V4l2, WhatTheBusHasNoRoomForIsRefusedAtTheStart) {
  Make();
  camera().refuse_stream = ENOSPC;
  EXPECT_NE(ErrorOf(ENOSPC, [&] { source().Start(0); }).find("USB"), std::string::npos);
  EXPECT_EQ(camera().buffers(), 0u);
}

TEST_F(V4l2, ADriverThatNeedsMoreBuffersSaysSo) {
  camera().least_buffers = 3;
  Make("", 2);
  EXPECT_NE(ErrorOf(EINVAL, [&] { source().Start(0); }).find("needs 3 buffers"), std::string::npos);
}

TEST_F(V4l2, ALimitedCaptureTakesNoMoreBuffersThanFrames) {
  Make();
  source().Start(2);
  EXPECT_EQ(Supply(), 2u);
  camera().Capture(1);
  EXPECT_EQ(Next().kind, Kind::kFrame);
  EXPECT_EQ(Supply(), 0u);
  source().Extend(1);
  EXPECT_EQ(Supply(), 1u);
}

// --- Sizes and times

TEST_F(V4l2, CompressedFramesHaveASizeEach) {
  Start(",format=MJPG");
  camera().CaptureBytes(1, 1000);
  EXPECT_EQ(Next().bytes_used, 1000u);
  camera().CaptureBytes(1, 1234);
  EXPECT_EQ(Next().bytes_used, 1234u);
}

TEST_F(V4l2, AnEmptyFrameIsAnError) {
  Start(",format=MJPG");
  camera().CaptureBytes(1, 0);
  EXPECT_EQ(Next().kind, Kind::kError);
}

TEST_F(V4l2, BothTimesAreKept) {
  camera().timestamp_us = 5;
  Start();
  const uint64_t before = MonotonicNs();
  camera().Capture(1);
  const Completion frame = Next();
  EXPECT_EQ(frame.timestamp_ns, 5000u);
  EXPECT_EQ(frame.origin.device_ns, 5000u);
  EXPECT_GE(frame.origin.received_ns, before);
  EXPECT_LE(frame.origin.received_ns, MonotonicNs());
}

TEST_F(V4l2, ATimeOfAnotherClockIsNoTimeOfCapture) {
  Start();
  camera().timestamp_us = uint64_t{1} << 50;
  camera().Capture(1);
  const Completion future = Next();
  EXPECT_EQ(future.timestamp_ns, future.origin.received_ns);
  EXPECT_EQ(future.origin.device_ns, (uint64_t{1} << 50) * 1000);
  camera().timestamp_us = 5;
  camera().Capture(1, V4L2_BUF_FLAG_TIMESTAMP_UNKNOWN);
  const Completion unknown = Next();
  EXPECT_EQ(unknown.timestamp_ns, unknown.origin.received_ns);
}

// --- The end

TEST_F(V4l2, AnUnpluggedDeviceIsTold) {
  Start();
  camera().Unplug();
  EXPECT_EQ(Next().kind, Kind::kGone);
  EXPECT_EQ(source().Dequeue(), std::nullopt);
  EXPECT_EQ(source().Wanted(), 0u);
  ErrorOf(ENODEV, [&] { source().Start(0); });
}

TEST_F(V4l2, AnIdleDeviceIsLookedAtEverySecond) {
  Make();
  camera().Unplug();
  for (;;) {
    pollfd fd = {.fd = source().event_fd(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&fd, 1, 10000), 1);
    const auto completion = source().Dequeue();
    if (!completion) continue;
    EXPECT_EQ(completion->kind, Kind::kGone);
    return;
  }
}

}  // namespace
}  // namespace grabfs
