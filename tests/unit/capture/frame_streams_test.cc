// SPDX-License-Identifier: Apache-2.0
//
// Readers of streams: each has its own place, one that skips is told how many frames it missed, for
// one that does not frames are reserved, and both come to an end. Whoever reads, capture goes on.
#include "fusefs/capture/frame_streams.h"

#include <gtest/gtest.h>

#include <thread>

#include "fusefs/base/error.h"
#include "fusefs/capture/event_log.h"

namespace grabfs {
namespace {

constexpr uint32_t kSlots = 6;
constexpr uint32_t kMayBeReserved = kSlots - 2;

class FrameStreamsTest : public ::testing::Test {
 protected:
  using Mode = FrameStreams::Mode;

  static std::shared_ptr<Pool> MakePool() {
    const FrameFormat format = MakeFrameFormat(kGrey, 16, 16);
    std::vector<std::unique_ptr<Memory>> buffers;
    for (uint32_t i = 0; i < kSlots; ++i) buffers.push_back(AllocateMemory("stream", format.bytes));
    return std::make_shared<Pool>(0, format, std::move(buffers), Policy::kKeepNewest, nullptr);
  }

  // As the capture thread does it; a frame without a buffer is lost.
  void Capture(uint64_t count = 1) {
    for (; count > 0; --count, ++next_) {
      const auto fill = pool_->ring.BeginFill();
      if (!fill) {
        pool_->ring.Drop(1);
        streams_->Lost(1, ENOBUFS);
        continue;
      }
      pool_->ring.Complete(fill->slot, {.sequence = next_});
      streams_->Frame(pool_, next_);
    }
  }

  std::unique_ptr<FrameStream> Open(Mode mode) {
    const auto permit = [this](const auto&, uint64_t) {
      if (refused_) throw Error(EDQUOT, "too many");
      return std::shared_ptr<void>();
    };
    return streams_->Open(mode, "stream", 7, permit, [this] { ++wakes_; });
  }

  // "42", "+3 42" after three skipped ones, "3 missing (28)", "end", "nothing".
  static std::string Take(FrameStream& stream) {
    const auto taken = stream.Take();
    const auto skipped = [](uint64_t count) {
      return count == 0 ? "" : "+" + std::to_string(count) + " ";
    };
    if (const auto* frame = std::get_if<FrameStream::Frame>(&taken)) {
      return skipped(frame->skipped) + std::to_string(frame->part->frame->held.info().sequence);
    }
    if (const auto* gap = std::get_if<FrameStream::Gap>(&taken)) {
      return std::to_string(gap->count) + " missing (" + std::to_string(gap->code) + ")";
    }
    if (const auto* end = std::get_if<FrameStream::End>(&taken)) {
      return skipped(end->skipped) + "end";
    }
    return "nothing";
  }

  [[nodiscard]] uint32_t Held() const { return pool_->ring.Occupancy().held; }

  std::shared_ptr<Pool> pool_ = MakePool();
  std::shared_ptr<SharedFrames> frames_ = std::make_shared<SharedFrames>();
  std::shared_ptr<FrameStreams> streams_ =
      std::make_shared<FrameStreams>(frames_, [](const auto& task) { task(); });
  uint64_t next_ = 0;
  int wakes_ = 0;
  bool refused_ = false;
};

TEST_F(FrameStreamsTest, StartWithTheNextFrame) {
  Capture(3);
  for (const Mode mode : {Mode::kSkip, Mode::kLossless}) {
    const auto stream = Open(mode);
    EXPECT_FALSE(stream->Ready());
    EXPECT_EQ(Take(*stream), "nothing");
    Capture();
    EXPECT_TRUE(stream->Ready());
    EXPECT_EQ(Take(*stream), std::to_string(next_ - 1));
    EXPECT_EQ(Take(*stream), "nothing");
  }
}

TEST_F(FrameStreamsTest, GiveEveryReaderEveryFrame) {
  const auto one = Open(Mode::kSkip);
  const auto other = Open(Mode::kLossless);
  Capture(3);
  for (const char* frame : {"0", "1", "2", "nothing"}) {
    EXPECT_EQ(Take(*one), frame);
    EXPECT_EQ(Take(*other), frame);
  }
}

TEST_F(FrameStreamsTest, WhoSkipsGoesOnWithTheOldestThatIsStillThere) {
  const auto stream = Open(Mode::kSkip);
  Capture(10);
  EXPECT_EQ(Take(*stream), "+4 4");
  EXPECT_EQ(Take(*stream), "5");
  Capture(5);
  EXPECT_EQ(Take(*stream), "+4 10");
  EXPECT_EQ(streams_->Readers().front().frames, 3U);
  EXPECT_EQ(streams_->Readers().front().skipped, 8U);
}

TEST_F(FrameStreamsTest, ATakenFrameIsHeldUntilItIsFinished) {
  const auto stream = Open(Mode::kSkip);
  Capture();
  std::weak_ptr<const FramePart> part;
  {
    const auto taken = stream->Take();
    ASSERT_TRUE(std::holds_alternative<FrameStream::Frame>(taken));
    part = std::get<FrameStream::Frame>(taken).part;
  }
  Capture(20);
  ASSERT_FALSE(part.expired());
  EXPECT_EQ(part.lock()->frame->held.info().sequence, 0U);
  EXPECT_TRUE(pool_->ring.Named(0));
  EXPECT_TRUE(stream->Finish());
  EXPECT_TRUE(part.expired());
  EXPECT_EQ(Held(), 0U);
}

TEST_F(FrameStreamsTest, AllReadersHaveOneAndTheSame) {
  const auto one = Open(Mode::kSkip);
  const auto other = Open(Mode::kLossless);
  Capture();
  const auto first = one->Take();
  const auto second = other->Take();
  EXPECT_EQ(std::get<FrameStream::Frame>(first).part->frame,
            std::get<FrameStream::Frame>(second).part->frame);
}

TEST_F(FrameStreamsTest, ForWhoHasNotComeYetNothingIsHeld) {
  const auto stream = Open(Mode::kLossless);
  Capture(kSlots);
  EXPECT_EQ(Held(), 0U);
  for (uint64_t frame = 0; frame < kSlots; ++frame) EXPECT_EQ(Take(*stream), std::to_string(frame));
}

TEST_F(FrameStreamsTest, WhatIsNotThereAnyMoreAtTheFirstComingIsTold) {
  const auto stream = Open(Mode::kLossless);
  Capture(kSlots + 3);
  EXPECT_EQ(Take(*stream), "3 missing (" + std::to_string(ENOBUFS) + ")");
  EXPECT_EQ(Take(*stream), "3");
}

TEST_F(FrameStreamsTest, FramesAreReservedForLosslessReadersButForTwoBuffers) {
  const auto stream = Open(Mode::kLossless);
  EXPECT_FALSE(stream->Ready());
  Capture(kSlots + 3);
  EXPECT_EQ(Held(), kMayBeReserved);
  EXPECT_EQ(pool_->ring.Counters().dropped, 0U) << "capture goes on";
  EXPECT_EQ(pool_->ring.Newest()->info.sequence, kSlots + 2);
  for (uint64_t frame = 0; frame < kMayBeReserved; ++frame) {
    EXPECT_EQ(Take(*stream), std::to_string(frame));
  }
  // Two buffers were filled in turns meanwhile.
  EXPECT_EQ(Take(*stream), "3 missing (" + std::to_string(ENOBUFS) + ")");
  for (const char* frame : {"7", "8", "nothing"}) EXPECT_EQ(Take(*stream), frame);
  EXPECT_EQ(Held(), 0U);
}

TEST_F(FrameStreamsTest, ManyLosslessReadersTogetherLeaveTwoBuffers) {
  std::vector<std::unique_ptr<FrameStream>> readers;
  for (uint32_t i = 0; i < kSlots; ++i) {
    readers.push_back(Open(Mode::kLossless));
    Capture();
    readers.back()->Take();  // and no more
  }
  EXPECT_EQ(Held(), kMayBeReserved);
  Capture(1);
  EXPECT_EQ(pool_->ring.Counters().dropped, 0U);
}

TEST_F(FrameStreamsTest, WhoDoesNotComeForLongHoldsNothingButWhatItReads) {
  const auto stream = Open(Mode::kLossless);
  EXPECT_FALSE(stream->Ready());
  Capture(2);
  EXPECT_EQ(Take(*stream), "0");  // and reads a part of it
  Capture(kMayBeReserved - 2 + kSlots - 1);
  EXPECT_EQ(Held(), kMayBeReserved);
  Capture();
  EXPECT_EQ(Held(), 1U);
  Capture(2 * kSlots);
  EXPECT_TRUE(stream->Finish());
  const uint64_t there = next_ - (kSlots - 1);
  EXPECT_EQ(Take(*stream),
            std::to_string(there - 1) + " missing (" + std::to_string(ENOBUFS) + ")");
  for (uint64_t frame = there; frame < next_; ++frame) {
    EXPECT_EQ(Take(*stream), std::to_string(frame)) << "it has come again";
  }
  EXPECT_EQ(streams_->Readers().front().frames, kSlots);
  EXPECT_EQ(streams_->Readers().front().skipped, there - 1);
}

// It has read a part of it, so it must not get it once more as if nothing had happened.
TEST_F(FrameStreamsTest, AFrameThatWasGivenUpForOthersIsMissingThoughItIsStillThere) {
  const auto stream = Open(Mode::kLossless);
  Capture();
  EXPECT_EQ(Take(*stream), "0");
  std::vector<std::unique_ptr<FrameStream>> others;
  while (others.size() < kMayBeReserved) {
    others.push_back(Open(Mode::kLossless));
    Capture();
    Take(*others.back());
  }
  EXPECT_FALSE(stream->Finish());
  EXPECT_TRUE(pool_->ring.Named(0));
  EXPECT_EQ(Take(*stream), "1 missing (" + std::to_string(ENOBUFS) + ")");
  EXPECT_EQ(Take(*stream), "1");
}

TEST_F(FrameStreamsTest, WhoComesOftenEnoughKeepsWhatItHas) {
  const auto stream = Open(Mode::kLossless);
  EXPECT_FALSE(stream->Ready());
  for (int i = 0; i < 10; ++i) {
    Capture(kSlots - 1);
    stream->Come();
  }
  EXPECT_EQ(Take(*stream), "0");
}

TEST_F(FrameStreamsTest, AReaderWhoIsThereGetsEveryFrameBesideOneWhoIsNot) {
  const auto away = Open(Mode::kLossless);
  const auto there = Open(Mode::kLossless);
  EXPECT_FALSE(away->Ready());
  EXPECT_FALSE(there->Ready());
  Capture(kMayBeReserved - 1);
  for (uint64_t frame = 0; frame < 50; ++frame) {
    EXPECT_EQ(Take(*there), std::to_string(frame)) << "it is behind, but not further";
    Capture();
  }
}

TEST_F(FrameStreamsTest, AReaderWhoIsThereGetsWhatIsThereWhateverIsReserved) {
  const auto events = std::make_shared<EventLog>("sim0", frames_, [](const auto& task) { task(); });
  std::vector<std::unique_ptr<EventReader>> slow;
  while (slow.size() < kMayBeReserved) {
    slow.push_back(events->Open([](const auto&, uint64_t) { return nullptr; }));
    const auto fill = pool_->ring.BeginFill();
    pool_->ring.Complete(fill->slot, {.sequence = next_});
    events->AppendFrame(pool_, next_++, {});
    slow.back()->TryRead(1000);
  }
  EXPECT_EQ(Held(), kMayBeReserved);
  const auto stream = Open(Mode::kLossless);
  for (int i = 0; i < 20; ++i) {
    Capture();
    EXPECT_EQ(Take(*stream), std::to_string(next_ - 1));
  }
}

TEST_F(FrameStreamsTest, FramesThatNobodyTookAreNotDelivered) {
  const auto stream = Open(Mode::kLossless);
  EXPECT_FALSE(stream->Ready());
  Capture(2);
  EXPECT_EQ(Take(*stream), "0");
  Capture(5 * kSlots);
  pool_->ring.Retire();
  EXPECT_EQ(pool_->ring.Counters().delivered, 1U);
}

TEST_F(FrameStreamsTest, AFrameThatSomebodyGaveUpIsMissing) {
  const auto stream = Open(Mode::kLossless);
  EXPECT_FALSE(stream->Ready());
  const auto fill = pool_->ring.BeginFill();
  pool_->ring.Complete(fill->slot, {.sequence = next_});
  pool_->ring.Unlink(next_);
  streams_->Frame(pool_, next_++);
  Capture();
  EXPECT_EQ(Take(*stream), "1 missing (" + std::to_string(ENOENT) + ")");
  EXPECT_EQ(Take(*stream), "1");
}

TEST_F(FrameStreamsTest, WhoMayHoldNoMoreIsToldWhy) {
  const auto skips = Open(Mode::kSkip);
  const auto lossless = Open(Mode::kLossless);
  EXPECT_FALSE(lossless->Ready());
  refused_ = true;
  Capture(2);
  EXPECT_THROW(skips->Take(), Error);
  EXPECT_EQ(Take(*lossless), "nothing");
  Capture(kSlots - 1);  // the first has gone
  refused_ = false;
  EXPECT_EQ(Take(*skips), "+1 1") << "what is there can still be taken";
  EXPECT_EQ(Take(*lossless), "1 missing (" + std::to_string(EDQUOT) + ")");
  EXPECT_EQ(Take(*lossless), "1");
}

TEST_F(FrameStreamsTest, WhoGoesReleasesWhatWasHeldForIt) {
  auto stream = Open(Mode::kLossless);
  EXPECT_FALSE(stream->Ready());
  Capture(kSlots);
  EXPECT_GT(Held(), 0U);
  stream.reset();
  EXPECT_EQ(Held(), 0U);
  EXPECT_TRUE(streams_->Readers().empty());
}

TEST_F(FrameStreamsTest, EndAfterTheLastFrameOfTheCapture) {
  const auto skips = Open(Mode::kSkip);
  const auto lossless = Open(Mode::kLossless);
  Capture(2);
  streams_->End();
  for (const auto& stream : {&skips, &lossless}) {
    EXPECT_TRUE((*stream)->Ready());
    EXPECT_EQ(Take(**stream), "0");
  }
  Capture(1);  // the next capture is not for them
  for (const auto& stream : {&skips, &lossless}) {
    for (const char* frame : {"1", "end", "end"}) EXPECT_EQ(Take(**stream), frame);
  }
  const auto later = Open(Mode::kSkip);
  Capture(1);
  EXPECT_EQ(Take(*later), "3");
}

TEST_F(FrameStreamsTest, TellWhatWasLostBeforeTheEnd) {
  const auto skips = Open(Mode::kSkip);
  const auto lossless = Open(Mode::kLossless);
  streams_->Lost(2, EIO);
  streams_->End();
  EXPECT_EQ(Take(*skips), "+2 end");
  EXPECT_EQ(Take(*skips), "end");
  EXPECT_EQ(Take(*lossless), "2 missing (" + std::to_string(EIO) + ")");
  EXPECT_EQ(Take(*lossless), "end");
}

TEST_F(FrameStreamsTest, NobodyOpensAStreamOfADeviceThatIsGone) {
  const auto stream = Open(Mode::kSkip);
  streams_->Close();
  EXPECT_EQ(Take(*stream), "end");
  try {
    Open(Mode::kSkip);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ENODEV);
  }
}

TEST_F(FrameStreamsTest, WakeForFramesAndForTheEnd) {
  const auto stream = Open(Mode::kSkip);
  Capture();
  EXPECT_EQ(wakes_, 1);
  streams_->End();
  EXPECT_EQ(wakes_, 2);
}

TEST_F(FrameStreamsTest, KeepTheBuffersOfAnEarlierFormat) {
  const auto stream = Open(Mode::kLossless);
  EXPECT_FALSE(stream->Ready());
  Capture(2);
  pool_->ring.Retire();
  pool_ = MakePool();
  Capture();
  for (const char* frame : {"0", "1", "2"}) EXPECT_EQ(Take(*stream), frame);
}

// Readers that come and go while frames are captured: every frame is taken or counted.
TEST_F(FrameStreamsTest, CountEveryFrameWhileCaptureRuns) {
  constexpr uint64_t kFrames = 20000;
  for (const Mode mode : {Mode::kSkip, Mode::kLossless}) {
    const auto stream = Open(mode);
    std::jthread capture([this] {
      Capture(kFrames);
      streams_->End();
    });
    uint64_t seen = 0;
    for (bool end = false; !end;) {
      const auto taken = stream->Take();
      if (const auto* frame = std::get_if<FrameStream::Frame>(&taken)) seen += 1 + frame->skipped;
      if (const auto* gap = std::get_if<FrameStream::Gap>(&taken)) seen += gap->count;
      if (const auto* last = std::get_if<FrameStream::End>(&taken)) {
        seen += last->skipped;
        end = true;
      }
    }
    EXPECT_EQ(seen, kFrames);
  }
}

}  // namespace
}  // namespace grabfs
