// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/source/conformance.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "fusefs/base/clock.h"
#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

using Kind = Completion::Kind;

constexpr std::byte kCanary{0xA5};
// Only a source that hangs needs so long.
constexpr int kPatienceMs = 20000;

}  // namespace

void SourceConformance::SetUp() {
  subject_ = GetParam().make();
  Bind();
}

void SourceConformance::Bind(uint32_t count) {
  memory_.clear();
  free_.clear();
  for (auto& memory : source().AllocateBuffers("conformance", count)) {
    free_.push_back(static_cast<uint32_t>(memory_.size()));
    memory_.push_back(std::move(memory));
  }
  source().Bind(memory_);
}

void SourceConformance::Start(uint64_t frames) { source().Start(frames); }

void SourceConformance::Stop() {
  source().Stop();
  for (const uint32_t index : queued_) free_.push_back(index);
  queued_.clear();
}

void SourceConformance::Supply() {
  for (uint32_t wanted = source().Wanted(); wanted > 0 && !free_.empty(); --wanted) {
    const uint32_t index = free_.front();
    free_.pop_front();
    queued_.insert(index);
    source().Queue(index);
  }
}

Completion SourceConformance::Next(bool starve) {
  for (bool produced = false;;) {
    if (auto completion = source().Dequeue()) {
      const bool returned = completion->kind == Kind::kFrame || completion->kind == Kind::kError;
      if (returned) {
        EXPECT_EQ(queued_.erase(completion->buffer), 1u) << "it did not have this buffer";
      }
      return *completion;
    }
    if (source().Wanted() > 0) {
      if (starve) {
        source().Starve();
      } else {
        Supply();
        if (source().Wanted() > 0) {
          ADD_FAILURE() << "it wants more than " << kBuffers << " buffers";
          return {};
        }
      }
      if (auto completion = source().Dequeue()) {
        if (completion->kind == Kind::kFrame || completion->kind == Kind::kError) {
          EXPECT_EQ(queued_.erase(completion->buffer), 1u) << "it did not have this buffer";
        }
        return *completion;
      }
    }
    if (!produced) {
      produced = subject_->Produce();
      if (produced) continue;
    }
    pollfd fd = {.fd = source().event_fd(), .events = POLLIN, .revents = 0};
    if (fd.fd >= 0 && ::poll(&fd, 1, kPatienceMs) != 1) {
      ADD_FAILURE() << "the source has nothing more to tell";
      return {};
    }
  }
}

Completion SourceConformance::NextResult() {
  const Completion result = Next();
  const bool filled = result.kind == Kind::kFrame || result.kind == Kind::kError;
  if (filled && result.buffer < Source::kFirstAttached) free_.push_back(result.buffer);
  return result;
}

Completion SourceConformance::NextFrame() {
  Completion frame = NextResult();
  // A device does not wait for a test that is slow (sanitizers, a busy machine).
  while (frame.kind == Kind::kDropped) {
    EXPECT_NE(frame.reason, "");
    frame = NextResult();
  }
  EXPECT_EQ(frame.kind, Kind::kFrame) << frame.reason;
  return frame;
}

// It is not capturing, or has all it may take: it must not ask to be looked at again and again.
void SourceConformance::ExpectSilence() {
  EXPECT_EQ(source().Wanted(), 0u);
  int wakeups = 0;
  const uint64_t end = MonotonicNs() + 200'000'000;
  while (MonotonicNs() < end) {
    EXPECT_EQ(source().Dequeue(), std::nullopt);
    pollfd fd = {.fd = source().event_fd(), .events = POLLIN, .revents = 0};
    ASSERT_GE(fd.fd, 0) << "it asks to be called at once";
    if (::poll(&fd, 1, 50) == 1) ++wakeups;
  }
  EXPECT_LT(wakeups, 20);
}

void SourceConformance::Paint(Memory& memory, std::byte value) {
  std::ranges::fill(memory.bytes(), value);
}

bool SourceConformance::IsPainted(Memory& memory, std::byte value) {
  return std::ranges::all_of(memory.bytes(), [&](std::byte byte) { return byte == value; });
}

std::span<const std::byte> SourceConformance::BytesOf(const Completion& completion) {
  const auto& memory = completion.buffer < Source::kFirstAttached ? memory_.at(completion.buffer)
                                                                  : attached_.at(completion.buffer);
  return memory->bytes().first(completion.bytes_used);
}

// --- What it says of itself

TEST_P(SourceConformance, SaysWhatItIsAndWhatItMakes) {
  EXPECT_NE(source().description(), "");
  const FrameFormat& format = source().format();
  EXPECT_NE(format.fourcc, 0u);
  EXPECT_GT(format.width, 0u);
  EXPECT_GT(format.height, 0u);
  EXPECT_GT(format.bytes, 0u);
  EXPECT_GT(source().rate().denominator, 0u);
  for (const auto& [name, value] : source().Settings()) EXPECT_NE(name, "") << value;
}

TEST_P(SourceConformance, TakesTheFormatThatItHas) {
  const FrameFormat before = source().format();
  source().SetFormat({.fourcc = before.fourcc, .width = before.width, .height = before.height});
  EXPECT_EQ(source().format(), before);
  source().SetFormat({});
  EXPECT_EQ(source().format(), before);
}

TEST_P(SourceConformance, ARefusedFormatChangesNothing) {
  const FrameFormat before = source().format();
  EXPECT_NE(ErrorOf(EINVAL, [&] { source().SetFormat({.fourcc = MakeFourcc("?!?!")}); }), "");
  EXPECT_EQ(source().format(), before);
}

TEST_P(SourceConformance, TheFormatCannotChangeWhileItCaptures) {
  Start();
  EXPECT_NE(ErrorOf(EBUSY, [&] { source().SetFormat({}); }), "");
}

TEST_P(SourceConformance, TakesTheRateThatItHasAndARefusedOneChangesNothing) {
  const Rate before = source().rate();
  source().SetRate(before);
  EXPECT_EQ(source().rate(), before);
  const Rate strange = {1, 7919};
  try {
    source().SetRate(strange);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), EINVAL) << error.what();
    EXPECT_EQ(source().rate(), before);
  }
}

// --- Life

TEST_P(SourceConformance, IdleItWantsNothingAndHasNothing) {
  ExpectSilence();
  source().Starve();
  source().Extend(3);
  source().Stop();
  EXPECT_NE(ErrorOf(EINVAL, [&] { source().Queue(0); }), "");
  ExpectSilence();
}

TEST_P(SourceConformance, StartsOnceAndStopsAsOftenAsAsked) {
  Start();
  EXPECT_TRUE(source().capturing());
  EXPECT_NE(ErrorOf(EBUSY, [&] { source().Start(1); }), "");
  EXPECT_NE(ErrorOf(EBUSY, [&] { source().AllocateBuffers("more", 1); }), "");
  EXPECT_NE(ErrorOf(EBUSY, [&] { source().Bind(memory_); }), "");
  NextFrame();
  Stop();
  source().Stop();
  EXPECT_FALSE(source().capturing());
  ExpectSilence();
}

TEST_P(SourceConformance, GivesItsBuffersBackWhenItStops) {
  for (int round = 0; round < 3; ++round) {
    Start();
    NextFrame();
    Supply();
    Stop();
    EXPECT_EQ(free_.size(), kBuffers);
  }
  Start();
  for (uint32_t i = 0; i < 3 * kBuffers; ++i) NextFrame();
}

TEST_P(SourceConformance, TakesOtherBuffersAndAnotherNumberOfThem) {
  Start();
  NextFrame();
  Stop();
  Bind(kBuffers / 2);
  Start();
  const Completion frame = NextFrame();
  EXPECT_TRUE(subject_->IsFrame(frame.sequence, BytesOf(frame)));
}

TEST_P(SourceConformance, BuffersOutliveItEvenWhileTheyAreQueued) {
  Start();
  const Completion frame = NextFrame();
  Supply();
  subject_->Destroy();
  EXPECT_TRUE(subject_->IsFrame(frame.sequence, BytesOf(frame)));
  for (const auto& memory : memory_) {
    EXPECT_EQ(memory.use_count(), 1);
    Paint(*memory, kCanary);
  }
  subject_->Produce();
  ::poll(nullptr, 0, 100);
  for (const auto& memory : memory_) EXPECT_TRUE(IsPainted(*memory, kCanary));
}

// --- Frames

TEST_P(SourceConformance, FramesComeInOrderWholeAndOnTime) {
  const uint64_t begin = MonotonicNs();
  Start();
  uint64_t last_ns = begin;
  std::optional<uint64_t> last;
  for (int i = 0; i < 50; ++i) {
    const Completion frame = NextResult();
    EXPECT_EQ(frame.sequence, last ? *last + 1 : frame.sequence);
    last = frame.sequence;
    if (frame.kind == Kind::kDropped) continue;  // told, and numbered
    ASSERT_EQ(frame.kind, Kind::kFrame) << frame.reason;
    EXPECT_GE(frame.timestamp_ns, last_ns);
    EXPECT_LE(frame.timestamp_ns, MonotonicNs());
    last_ns = frame.timestamp_ns;
    EXPECT_GT(frame.bytes_used, 0u);
    ASSERT_LE(frame.bytes_used, source().format().bytes);
    EXPECT_EQ(frame.reason, "");
    EXPECT_TRUE(subject_->IsFrame(frame.sequence, BytesOf(frame))) << frame.sequence;
  }
}

TEST_P(SourceConformance, WritesIntoQueuedBuffersOnly) {
  Start();
  for (int round = 0; round < 20; ++round) {
    for (const uint32_t index : free_) Paint(buffer(index), kCanary);
    const std::set<uint32_t> before(free_.begin(), free_.end());
    const Completion frame = NextFrame();
    EXPECT_TRUE(subject_->IsFrame(frame.sequence, BytesOf(frame)));
    for (const uint32_t index : before) {
      if (queued_.contains(index) || index == frame.buffer) continue;
      EXPECT_TRUE(IsPainted(buffer(index), kCanary)) << index;
    }
  }
}

TEST_P(SourceConformance, WritesNothingAfterStop) {
  Start();
  NextFrame();
  Supply();
  Stop();
  for (const auto& memory : memory_) Paint(*memory, kCanary);
  subject_->Produce();
  ::poll(nullptr, 0, 100);
  (void)source().Dequeue();
  for (const auto& memory : memory_) EXPECT_TRUE(IsPainted(*memory, kCanary));
}

TEST_P(SourceConformance, NumbersGoOnOverStopAndStart) {
  Start();
  NextFrame();
  const uint64_t last = NextFrame().sequence;
  Stop();
  Start();
  const Completion frame = NextFrame();
  EXPECT_GT(frame.sequence, last);
  EXPECT_TRUE(subject_->IsFrame(frame.sequence, BytesOf(frame)));
}

TEST_P(SourceConformance, ALimitedCaptureWantsNoMoreThanItsFrames) {
  Start(3);
  for (int i = 0; i < 3; ++i) NextResult();
  ExpectSilence();
  source().Extend(2);
  for (int i = 0; i < 2; ++i) NextResult();
  ExpectSilence();
}

TEST_P(SourceConformance, LostFramesCountAndTheNextOneIsWhole) {
  Start();
  uint64_t expected = NextFrame().sequence + 1;
  // No buffer from here on: those that it has are filled, then frames are lost.
  uint64_t lost = 0;
  for (int i = 0; i < 64 && lost == 0; ++i) {
    if (queued_.empty()) {
      const bool makes_frames = subject_->Produce();
      if (makes_frames) {
        (void)subject_->Produce();
        source().Starve();
        break;  // hardware tells of the loss by the number of the next frame
      }
    }
    const Completion completion = Next(/*starve=*/true);
    EXPECT_EQ(completion.sequence, expected) << "frames are numbered one by one";
    ++expected;
    if (completion.kind == Kind::kDropped) {
      ++lost;
      EXPECT_NE(completion.reason, "");
    } else {
      free_.push_back(completion.buffer);
    }
  }
  Completion next = Next();
  while (next.kind == Kind::kDropped) {
    EXPECT_GE(next.sequence, expected) << "a lost frame has a number of its own";
    expected = next.sequence + 1;
    ++lost;
    next = Next();
  }
  ASSERT_EQ(next.kind, Kind::kFrame) << next.reason;
  EXPECT_GE(next.sequence, expected) << "a lost frame has a number of its own";
  EXPECT_TRUE(lost > 0 || next.sequence > expected) << "a loss that nobody is told of";
  EXPECT_TRUE(subject_->IsFrame(next.sequence, BytesOf(next)));
}

// --- Memory of others

TEST_P(SourceConformance, FillsMemoryThatIsAttached) {
  const uint64_t bytes = source().format().bytes;
  const auto memory = subject_->MakeMemory(bytes);
  const uint32_t number = source().Attach(memory);
  attached_[number] = memory;
  EXPECT_GE(number, Source::kFirstAttached);
  free_.push_front(number);
  Start();
  Completion frame = NextFrame();
  while (frame.kind == Kind::kFrame && frame.buffer != number) frame = NextFrame();
  EXPECT_TRUE(subject_->IsFrame(frame.sequence, BytesOf(frame)));
  Stop();
  source().Detach(number);
  EXPECT_LE(memory.use_count(), 2) << "the test has two: it keeps what was taken away";
  if (bytes > 4096) {
    EXPECT_NE(ErrorOf(ENOSPC, [&] { source().Attach(subject_->MakeMemory(bytes - 4096)); }), "");
  }
}

TEST_P(SourceConformance, SomebodyElseMayMakeItsMemoryUnlessItRefuses) {
  uint32_t made = 0;
  const auto maker = [&](const std::string& name, uint64_t bytes) {
    ++made;
    return AllocateMemory(name, bytes);
  };
  try {
    source().SetBufferMaker(maker);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), EINVAL) << error.what();
    return;
  }
  Bind();
  EXPECT_EQ(made, kBuffers);
  Start();
  const Completion frame = NextFrame();
  EXPECT_TRUE(subject_->IsFrame(frame.sequence, BytesOf(frame)));
}

TEST_P(SourceConformance, AllocatesWhatIsAskedForOrSaysWhyNot) {
  const auto buffers = source().AllocateBuffers("some", 3);
  ASSERT_EQ(buffers.size(), 3u);
  for (const auto& memory : buffers) EXPECT_EQ(memory->bytes().size(), source().format().bytes);
  EXPECT_NE(ErrorOf(EINVAL, [&] { source().AllocateBuffers("none", 0); }), "");
}

TEST_P(SourceConformance, NoticesThatPagesWereReplaced) {
  Start();
  NextFrame();
  Stop();
  for (const auto& memory : memory_) {
    if (!memory->Renew()) return;  // memory of its own never is
  }
  Start();
  for (uint32_t i = 0; i < kBuffers; ++i) {
    const Completion frame = NextFrame();
    EXPECT_TRUE(subject_->IsFrame(frame.sequence, BytesOf(frame)));
  }
}

// --- Controls

TEST_P(SourceConformance, ControlsAreFilesWhoseTextsAreTaken) {
  const auto controls = source().controls();
  if (!controls) {
    EXPECT_NE(ErrorOf(ENOENT, [&] { source().SetControl("gain", "1"); }), "");
    return;
  }
  std::set<std::string> names;
  for (const auto& control : controls->names()) {
    SCOPED_TRACE(control.name);
    EXPECT_TRUE(names.insert(control.name).second) << "twice";
    EXPECT_NE(control.name, "");
    EXPECT_EQ(control.name.find_first_of("/\n "), std::string::npos);
    EXPECT_NE(control.name.front(), '.');
    std::istringstream lines(controls->Describe(control.name));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_NE(line.find(' '), std::string::npos) << line;
    }
    const std::string value = controls->Read(control.name);
    if (control.writable && !value.empty()) source().SetControl(control.name, value);
    if (!control.writable) {
      EXPECT_THROW(source().SetControl(control.name, value), Error);
    }
  }
  EXPECT_THROW((void)controls->Read("no such control"), Error);
  EXPECT_THROW(source().SetControl("no such control", "1"), Error);
}

// --- Unplugged

TEST_P(SourceConformance, UnpluggedWhileItCapturesItSaysSoOnce) {
  Start();
  const Completion frame = NextFrame();
  Supply();
  if (!subject_->Unplug()) GTEST_SKIP() << "cannot be unplugged";
  Completion last = Next();
  while (last.kind != Kind::kGone) last = Next();
  EXPECT_NE(last.reason, "");
  EXPECT_FALSE(source().capturing());
  EXPECT_EQ(source().Dequeue(), std::nullopt);
  EXPECT_EQ(source().Wanted(), 0u);
  EXPECT_TRUE(subject_->IsFrame(frame.sequence, BytesOf(frame))) << "what was captured stays";
  EXPECT_NE(ErrorOf(ENODEV, [&] { source().Start(0); }), "");
}

TEST_P(SourceConformance, UnpluggedWhileItIsIdleItSaysSo) {
  if (!subject_->Unplug()) GTEST_SKIP() << "cannot be unplugged";
  const Completion gone = Next();
  EXPECT_EQ(gone.kind, Kind::kGone);
  EXPECT_NE(ErrorOf(ENODEV, [&] { source().Start(0); }), "");
}

TEST_P(SourceConformance, ControlsOutliveTheDevice) {
  const auto controls = source().controls();
  if (!controls) GTEST_SKIP() << "has no controls";
  subject_->Destroy();
  try {
    for (const auto& control : controls->names()) (void)controls->Read(control.name);
  } catch (const Error&) {
    // it may refuse, but not fall
  }
}

}  // namespace grabfs
