// SPDX-License-Identifier: Apache-2.0
//
// The source `grabdma` against a device in the test's hands: buffers, holds, losses, limits, and
// the end. The module itself is tested in tests/vm.
#include "fusefs/source/grabdma/grabdma.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "fusefs/source/grabdma/memory.h"
#include "tests/unit/source/grabdma/fake.h"
#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

using Kind = Completion::Kind;

class Grabdma : public testing::Test {
 protected:
  // A source with `buffers` buffers on a new device; `keys` as on the command line.
  void Make(const std::string& keys = "", uint32_t buffers = 8) {
    auto port = std::make_unique<FakeGrabber>();
    device_ = port.get();
    device_->depth = depth_;
    device_->device_ns = device_ns_;
    session_ = std::make_shared<GrabdmaSession>("/dev/fake0", std::move(port));
    SourceSpec spec = ParseSourceSpec("grabdma:/dev/fake0" + keys);
    rig_ = std::make_unique<Rig>(MakeGrabdma(spec, session_), buffers);
    EXPECT_TRUE(spec.options.empty());
  }

  Source& source() { return **rig_; }
  FakeGrabber& device() { return *device_; }

  // Gives the source as many buffers as it wants, in turn; returns how many.
  uint32_t Supply() {
    const uint32_t wanted = source().Wanted();
    for (uint32_t i = 0; i < wanted; ++i) source().Queue(next_++ % 8);
    return wanted;
  }

  void ExpectFrame(uint64_t sequence) {
    const auto completion = source().Dequeue();
    ASSERT_TRUE(completion);
    EXPECT_EQ(completion->kind, Kind::kFrame);
    EXPECT_EQ(completion->sequence, sequence);
  }
  void ExpectDropped(uint64_t sequence) {
    const auto completion = source().Dequeue();
    ASSERT_TRUE(completion);
    EXPECT_EQ(completion->kind, Kind::kDropped);
    EXPECT_EQ(completion->sequence, sequence);
    EXPECT_NE(completion->reason, "");
  }
  void ExpectNothing() { EXPECT_EQ(source().Dequeue(), std::nullopt); }

  FakeGrabber* device_ = nullptr;
  std::shared_ptr<GrabdmaSession> session_;
  std::unique_ptr<Rig> rig_;
  uint32_t next_ = 0;
  uint32_t depth_ = 0;      // of devices that are made
  uint64_t device_ns_ = 0;  // and their clock
};

// --- What it is made of

TEST_F(Grabdma, TakesOnTheAdaptersFormat) {
  Make();
  EXPECT_EQ(source().format().name(), "GREY");
  EXPECT_EQ(source().format().width, 64u);
  EXPECT_EQ(source().format().bytes, 2048u);
  EXPECT_EQ(source().description(), "grabdma:/dev/fake0");
}

TEST_F(Grabdma, NegotiatesTheFormatThatIsAskedFor) {
  Make(",format=BGR4,width=128,rate=25");
  EXPECT_EQ(source().format().name(), "BGR4");
  EXPECT_EQ(source().format().stride, 512u);
  EXPECT_EQ(source().format().bytes, 512u * 32);
  EXPECT_EQ(source().rate(), (Rate{25, 1}));
}

TEST_F(Grabdma, SaysWhatTheAdapterMakesWhenItCannot) {
  Make();
  const FrameFormat before = source().format();
  const std::string text = ErrorOf(EINVAL, [&] { source().SetFormat({.fourcc = kNv12}); });
  EXPECT_NE(text.find("cannot make NV12 64x32"), std::string::npos) << text;
  EXPECT_NE(text.find("GREY 16x16 to 4096x4096 in steps of 2"), std::string::npos) << text;
  EXPECT_EQ(source().format(), before);
}

TEST_F(Grabdma, RefusesRatesThatTheAdapterCannotKeep) {
  Make();
  EXPECT_NE(ErrorOf(EINVAL, [&] { source().SetRate(Rate::Parse("2000")); }), "");
  EXPECT_NE(ErrorOf(EINVAL, [&] { source().SetRate(Rate::Parse("1/3601")); }), "");
  source().SetRate(Rate::Parse("1000"));
  source().SetRate(Rate::Parse("1/3600"));
  source().SetRate(Rate::Parse("0"));
}

TEST_F(Grabdma, KnowsTheStrategiesByName) {
  for (const auto& [name, flag] :
       {std::pair("pages", GRABDMA_ALLOC_PAGES), std::pair("large", GRABDMA_ALLOC_LARGE),
        std::pair("contiguous", GRABDMA_ALLOC_CONTIGUOUS)}) {
    Make(std::string(",direction=capture,alloc=") + name);
    EXPECT_EQ(device().strategy, flag);
    EXPECT_EQ(source().Settings().at("alloc"), name);
  }
  EXPECT_NE(ErrorOf(EINVAL, [&] { Make(",alloc=scattered"); }), "");
  EXPECT_NE(ErrorOf(EINVAL, [&] { Make(",direction=sideways"); }), "");
}

TEST_F(Grabdma, TellsWhichAdapterItIs) {
  Make();
  EXPECT_EQ(source().Settings().at("adapter"), "fake");
  EXPECT_EQ(source().Settings().at("bus"), "shelf-3");
}

// --- Opening

TEST_F(Grabdma, AnAbsentDeviceIsExplained) {
  const std::string text = ErrorOf(ENOENT, [] { MakeSourceFrom("grabdma:/dev/none-such"); });
  EXPECT_NE(text.find("/dev/none-such"), std::string::npos);
  EXPECT_NE(text.find("modprobe grabdma_virtual"), std::string::npos) << text;
}

TEST_F(Grabdma, WhatIsNoGrabdmaDeviceIsRefused) {
  const std::string text = ErrorOf(ENOTTY, [] { MakeSourceFrom("grabdma:/dev/null"); });
  EXPECT_NE(text.find("not a grabdma device"), std::string::npos) << text;
  EXPECT_NE(ErrorOf(EINVAL, [] { MakeSourceFrom("grabdma"); }), "");
}

// --- Buffers

TEST_F(Grabdma, BuffersAreWritableAndTheirFramesAreNot) {
  Make();
  const Memory& memory = rig_->buffer(0);
  EXPECT_EQ(memory.bytes().size(), 2048u);
  memory.bytes()[7] = std::byte{42};
  char byte = 0;
  EXPECT_EQ(pread(memory.frame_fd(), &byte, 1, 7), 1);
  EXPECT_EQ(byte, 42);
  EXPECT_EQ(pwrite(memory.live_fd(), "x", 1, 7), 1);
  EXPECT_EQ(memory.bytes()[7], std::byte{'x'});
  EXPECT_EQ(pwrite(memory.frame_fd(), "x", 1, 7), -1);
}

TEST_F(Grabdma, TheModuleKnowsWhoUsesAFrame) {
  Make();
  auto& memory = const_cast<Memory&>(rig_->buffer(2));
  EXPECT_EQ(memory.Probe(), Memory::Usage::kIdle);
  device().Hold(2);
  EXPECT_EQ(memory.Probe(), Memory::Usage::kInUse);
  device().LetGo(2);
  EXPECT_EQ(memory.Probe(), Memory::Usage::kIdle);
}

TEST_F(Grabdma, BuffersOutliveTheSourceAndTheDevice) {
  Make();
  auto buffers = source().AllocateBuffers("x", 1);
  EXPECT_EQ(device().allocated(), 9u);
  device().Unplug();
  rig_.reset();
  EXPECT_EQ(device().allocated(), 1u);
  device().Hold(8);
  EXPECT_EQ(buffers[0]->Probe(), Memory::Usage::kInUse);
  device().LetGo(8);
  EXPECT_EQ(buffers[0]->Probe(), Memory::Usage::kIdle);
  buffers.clear();
  EXPECT_EQ(device().allocated(), 0u);
}

TEST_F(Grabdma, TooLittleMemoryIsExplainedAndGivesBackWhatWasThere) {
  Make("", 2);
  device().refuse_alloc_after = 5;
  const std::string text = ErrorOf(ENOMEM, [&] { source().AllocateBuffers("x", 8); });
  EXPECT_NE(text.find("buffer 4 of 8"), std::string::npos) << text;
  EXPECT_NE(text.find("alloc=large"), std::string::npos) << text;
  EXPECT_EQ(device().allocated(), 2u);
}

TEST_F(Grabdma, ALimitThatIsReachedIsNamedWithWhatToRaise) {
  Make("", 2);
  device().refuse_alloc_after = 5;
  device().refuse_alloc_with = EDQUOT;
  const std::string user = ErrorOf(EDQUOT, [&] { source().AllocateBuffers("x", 8); });
  EXPECT_NE(user.find("raise RLIMIT_MEMLOCK"), std::string::npos) << user;
  device().refuse_alloc_with = ENOBUFS;
  const std::string adapter = ErrorOf(ENOBUFS, [&] { source().AllocateBuffers("x", 8); });
  EXPECT_NE(adapter.find("/memory_limit"), std::string::npos) << adapter;
  EXPECT_EQ(device().allocated(), 2u);
}

TEST_F(Grabdma, OnlyItsOwnKindOfMemoryCanBeBound) {
  Make();
  std::vector<std::shared_ptr<Memory>> foreign;
  foreign.push_back(AllocateMemory("foreign", 2048));
  EXPECT_NE(ErrorOf(EINVAL, [&] { source().Bind(foreign); }), "");
}

// --- Capturing

TEST_F(Grabdma, DeliversFramesInTheirBuffers) {
  Make();
  source().Start(0);
  for (uint64_t i = 0; i < 40; ++i) {
    Supply();
    device().Capture();
    const auto frame = source().Dequeue();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->kind, Kind::kFrame);
    EXPECT_EQ(frame->sequence, i);
    EXPECT_EQ(frame->buffer, i % 8);
    EXPECT_EQ(frame->timestamp_ns, 1000 * i);
    EXPECT_EQ(frame->bytes_used, 2048u);
  }
}

TEST_F(Grabdma, GivesADeepBoardAsManyAsItTakes) {
  depth_ = 8;
  for (const auto& [buffers, ahead] : {std::pair(2u, 1u), {8u, 4u}, {16u, 8u}, {100u, 11u}}) {
    Make("", buffers);
    source().Start(0);
    EXPECT_EQ(source().Wanted(), ahead) << buffers;
    for (uint32_t queued = 0; queued < std::min(ahead, 9u); ++queued) {
      EXPECT_TRUE(source().NeedsOneNow()) << queued << " of " << ahead;
      source().Queue(queued);
    }
    EXPECT_EQ(source().NeedsOneNow(), ahead < 9) << buffers;
  }
}

TEST_F(Grabdma, TellsTheBoardsOwnTimeWhereThereIsAClock) {
  for (const uint64_t clock : {0u, 4711u}) {
    device_ns_ = clock;
    Make();
    source().Start(0);
    Supply();
    device().Capture();
    const auto completion = source().Dequeue();
    ASSERT_TRUE(completion);
    EXPECT_EQ(completion->origin.device_ns, clock);
    EXPECT_EQ(completion->origin.received_ns != 0, clock != 0);
  }
}

TEST_F(Grabdma, KeepsAFewBuffersAheadAndLeavesTheOthers) {
  for (const auto& [buffers, ahead] :
       {std::pair(1u, 1u), {2u, 1u}, {3u, 1u}, {4u, 2u}, {8u, 4u}, {100u, 4u}}) {
    Make("", buffers);
    EXPECT_EQ(source().Wanted(), 0u);
    source().Start(0);
    EXPECT_EQ(source().Wanted(), ahead) << buffers;
    source().Queue(0);
    EXPECT_EQ(source().Wanted(), ahead - 1) << buffers;
  }
}

TEST_F(Grabdma, ALimitedCaptureTakesNoMoreBuffersThanFrames) {
  Make(",rate=0");
  source().Start(3);
  EXPECT_EQ(Supply(), 3u);
  device().Capture();
  ExpectFrame(0);
  EXPECT_EQ(source().Wanted(), 0u);
}

TEST_F(Grabdma, TheRateIsTheModulesInterval) {
  Make(",rate=30000/1001");
  source().Start(0);
  ASSERT_TRUE(device().started);
  EXPECT_EQ(device().started->interval_num, 1001u);
  EXPECT_EQ(device().started->interval_den, 30000u);
  EXPECT_EQ(device().started->frames, 0u);
  source().SetRate(Rate::Parse("0"));
  EXPECT_EQ(device().started->interval_num, 0u);
  EXPECT_EQ(device().started->interval_den, 0u);
}

TEST_F(Grabdma, ATriggersFirstFrameIsDueAtOnceAndTheOthersAtTheRate) {
  Make(",rate=10");
  source().Start(3);
  EXPECT_EQ(device().started->interval_num, 0u);
  EXPECT_EQ(device().started->frames, 1u);
  Supply();
  device().Capture();
  ExpectFrame(0);
  EXPECT_EQ(device().started->interval_den, 10u);
  EXPECT_EQ(device().started->frames, 2u);
  device().Capture();
  device().Capture();
  ExpectFrame(1);
  ExpectFrame(2);
  EXPECT_EQ(device().starts, 2u);
  EXPECT_EQ(source().Wanted(), 0u);
}

TEST_F(Grabdma, ExtendingContinuesWhenTheCurrentLegIsOver) {
  Make(",rate=0");
  source().Start(2);
  source().Extend(3);
  EXPECT_EQ(Supply(), 4u);
  device().Capture();
  device().Capture();
  EXPECT_FALSE(device().capturing());
  ExpectFrame(0);
  ExpectFrame(1);
  EXPECT_TRUE(device().capturing());
  EXPECT_EQ(device().started->frames, 3u);
}

TEST_F(Grabdma, ExtendingACaptureThatHasEndedStartsAgain) {
  Make(",rate=10");
  source().Start(1);
  Supply();
  device().Capture();
  ExpectFrame(0);
  source().Extend(1);
  EXPECT_EQ(device().starts, 2u);
  EXPECT_EQ(source().Wanted(), 1u);
}

TEST_F(Grabdma, FailedTransfersAreErrorsWithTheirNumber) {
  Make();
  source().Start(0);
  Supply();
  device().Due();
  device().Land(EIO);
  const auto failure = source().Dequeue();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, Kind::kError);
  EXPECT_EQ(failure->sequence, 0u);
  EXPECT_EQ(failure->buffer, 0u);
  EXPECT_EQ(failure->reason, "the DMA transfer failed");
  Supply();
  device().Capture();
  ExpectFrame(1);
}

TEST_F(Grabdma, ADeviceThatIsTakenIsSaidSo) {
  Make();
  device().refuse_start = EBUSY;
  const std::string text = ErrorOf(EBUSY, [&] { source().Start(0); });
  EXPECT_NE(text.find("another program captures"), std::string::npos) << text;
  EXPECT_FALSE(source().capturing());
  device().refuse_start = 0;
  source().Start(0);
}

// --- Losses

TEST_F(Grabdma, LossesWithoutABufferAreToldAtOnce) {
  Make();
  source().Start(0);
  device().Due();
  device().Due();
  device().Due();
  ExpectDropped(0);
  ExpectDropped(2);  // and with it 1: a gap in the numbers is a loss
  ExpectNothing();
  Supply();
  device().Capture();
  ExpectFrame(3);
}

TEST_F(Grabdma, LossesDuringATransferComeAfterItsFrame) {
  Make();
  source().Start(0);
  Supply();
  device().Due();
  device().Due();
  device().Due();
  ExpectNothing();
  device().Land();
  ExpectFrame(0);
  ExpectDropped(1);
  ExpectDropped(2);
  ExpectNothing();
}

TEST_F(Grabdma, LossesCountForTheLimit) {
  Make(",rate=0");
  source().Start(3);
  device().Due();
  device().Due();
  ExpectDropped(0);
  ExpectDropped(1);
  EXPECT_EQ(Supply(), 1u);
  device().Capture();
  ExpectFrame(2);
  EXPECT_EQ(source().Wanted(), 0u);
}

TEST_F(Grabdma, ATriggerWithoutABufferLosesItsFrames) {
  for (const char* rate : {",rate=0", ",rate=10"}) {
    Make(rate);
    source().Start(2);
    source().Starve();
    ASSERT_TRUE(device().started);
    EXPECT_NE(device().started->interval_num, 0u);
    EXPECT_EQ(device().started->frames, 1u);
    const uint32_t starts = device().starts;
    source().Starve();
    EXPECT_EQ(device().starts, starts);
    device().Due();
    ExpectDropped(0);
    EXPECT_EQ(Supply(), 1u);
    device().Capture();
    ExpectFrame(1);
    EXPECT_EQ(source().Wanted(), 0u);
  }
}

TEST_F(Grabdma, StreamingAsFastAsPossibleLosesFramesWithoutABuffer) {
  Make(",rate=0");
  source().Start(0);
  for (uint64_t i = 0; i < 3; ++i) {
    source().Starve();
    EXPECT_EQ(device().started->interval_num, 1'000'000u);
    EXPECT_EQ(device().started->frames, 1u);
    device().Due();
    ExpectDropped(i);
    EXPECT_EQ(device().started->interval_num, 0u);
    EXPECT_EQ(device().started->frames, 0u);
  }
  EXPECT_EQ(Supply(), 4u);
  source().Starve();
  EXPECT_EQ(device().started->frames, 0u);
  device().Capture();
  ExpectFrame(3);
}

TEST_F(Grabdma, APacedCaptureLosesItsFramesByItself) {
  Make(",rate=10");
  source().Start(0);
  source().Starve();
  EXPECT_EQ(device().starts, 1u);
}

TEST_F(Grabdma, WhatTheAdapterCountedForOthersIsNoLoss) {
  Make();
  device().sequence = 100;
  source().Start(0);
  Supply();
  device().Capture();
  ExpectFrame(100);
  source().Stop();
  device().sequence = 200;
  source().Start(0);
  Supply();
  device().Capture();
  ExpectFrame(200);
  ExpectNothing();
}

// --- Stopping

TEST_F(Grabdma, StoppingTakesEveryBufferBack) {
  Make();
  source().Start(0);
  Supply();
  device().Capture();
  device().Due();
  source().Stop();
  EXPECT_EQ(device().queued(), 0u);
  ExpectNothing();
  EXPECT_FALSE(rig_->Wait(0));
  source().Start(0);
  for (uint32_t buffer = 0; buffer < 4; ++buffer) source().Queue(buffer);
  EXPECT_EQ(device().queued(), 4u);
}

TEST_F(Grabdma, AfterAStopNumbersGoOnAndNothingCountsAsLost) {
  Make();
  source().Start(0);
  Supply();
  device().Capture();
  ExpectFrame(0);
  device().Due();
  device().Due();
  source().Stop();
  source().Start(0);
  Supply();
  device().Capture();
  ExpectFrame(3);
  ExpectNothing();
}

TEST_F(Grabdma, WhatIsNotWantedCannotBeQueued) {
  Make();
  source().Start(0);
  source().Queue(0);
  EXPECT_NE(ErrorOf(EINVAL, [&] { source().Queue(0); }), "");
  EXPECT_NE(ErrorOf(EINVAL, [&] { source().Queue(8); }), "");
}

// --- Holds

TEST_F(Grabdma, TheEndOfAHoldIsTold) {
  Make();
  device().Hold(5);
  EXPECT_EQ(const_cast<Memory&>(rig_->buffer(5)).Probe(), Memory::Usage::kInUse);
  ExpectNothing();
  device().LetGo(5);
  EXPECT_TRUE(rig_->Wait(0));
  const auto idle = source().Dequeue();
  ASSERT_TRUE(idle);
  EXPECT_EQ(idle->kind, Kind::kIdle);
  EXPECT_EQ(idle->buffer, 5u);
}

TEST_F(Grabdma, ABufferThatIsSuddenlyHeldIsReplacedAndUsedLater) {
  Make();
  device().Hold(0);
  source().Start(0);
  source().Queue(0);
  EXPECT_EQ(device().queued(), 0u);
  EXPECT_EQ(source().Wanted(), 4u);
  source().Queue(1);
  device().Capture();
  ExpectFrame(0);
  device().LetGo(0);
  ExpectNothing();
  EXPECT_EQ(device().queued(), 1u);
  device().Capture();
  const auto frame = source().Dequeue();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->buffer, 0u);
  EXPECT_EQ(frame->sequence, 1u);
}

TEST_F(Grabdma, AStopTakesHeldBuffersBackToo) {
  Make();
  device().Hold(0);
  source().Start(0);
  source().Queue(0);
  source().Stop();
  device().LetGo(0);
  const auto idle = source().Dequeue();
  ASSERT_TRUE(idle);
  EXPECT_EQ(idle->kind, Kind::kIdle);
  EXPECT_EQ(device().queued(), 0u);
}

// --- Unplugging

TEST_F(Grabdma, AnUnpluggedDeviceIsGoneAfterItsLastRecords) {
  Make();
  source().Start(0);
  Supply();
  device().Capture();
  device().Due();
  device().Unplug();
  EXPECT_TRUE(rig_->Wait(0));
  ExpectFrame(0);
  const auto failure = source().Dequeue();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, Kind::kError);
  const auto gone = source().Dequeue();
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->kind, Kind::kGone);
  EXPECT_NE(gone->reason, "");
  EXPECT_FALSE(source().capturing());
  ExpectNothing();
  EXPECT_NE(ErrorOf(ENODEV, [&] { source().Start(0); }), "");
}

TEST_F(Grabdma, AnIdleDeviceThatIsUnpluggedIsNoticed) {
  Make();
  device().Unplug();
  EXPECT_TRUE(rig_->Wait(0));
  const auto gone = source().Dequeue();
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->kind, Kind::kGone);
}

TEST_F(Grabdma, BuffersThatCannotBeQueuedAnyMoreAreNotAskedFor) {
  Make();
  source().Start(0);
  device().Unplug();
  EXPECT_EQ(source().Wanted(), 4u);
  source().Queue(0);
  EXPECT_EQ(source().Wanted(), 0u);
  const auto gone = source().Dequeue();
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->kind, Kind::kGone);
}

TEST_F(Grabdma, AStopDoesNotLoseTheNewsOfUnplugging) {
  Make();
  source().Start(0);
  Supply();
  device().Unplug();
  source().Stop();
  const auto gone = source().Dequeue();
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->kind, Kind::kGone);
}

}  // namespace
}  // namespace grabfs
