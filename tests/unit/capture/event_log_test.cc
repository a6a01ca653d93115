// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/event_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

constexpr size_t kPlenty = 1 << 20;
constexpr uint64_t kMoreThanAReaderKeeps = 5000;

constexpr uint32_t kSlots = 6;

class EventLogTest : public ::testing::Test {
 protected:
  static std::shared_ptr<Pool> MakePool() {
    const FrameFormat format = MakeFrameFormat(kGrey, 16, 16);
    std::vector<std::unique_ptr<Memory>> buffers;
    for (uint32_t i = 0; i < kSlots; ++i) buffers.push_back(AllocateMemory("events", format.bytes));
    return std::make_shared<Pool>(0, format, std::move(buffers), Policy::kKeepNewest, nullptr);
  }

  std::unique_ptr<EventReader> Open() {
    return log_->Open([this](const auto&, uint64_t) {
      if (refused_) throw Error(EDQUOT, "too many");
      return std::shared_ptr<void>();
    });
  }

  // Something that can always be told of, as a change of state.
  void Tell(uint64_t number) { log_->Append("told", {{"sequence", number}}); }
  static std::string Told(uint64_t number) {
    return EventLine("told", "sim0", {{"sequence", number}});
  }

  // As the capture thread does it.
  void Frame(uint64_t sequence) {
    const auto fill = pool_->ring.BeginFill();
    ASSERT_TRUE(fill);
    pool_->ring.Complete(fill->slot, {.sequence = sequence});
    log_->AppendFrame(pool_, sequence, {{"sequence", sequence}});
  }
  static std::string FrameLine(uint64_t sequence) {
    return EventLine("frame", "sim0", {{"sequence", sequence}});
  }
  static std::string LostLine(uint64_t count) {
    return EventLine("lost", "sim0", {{"count", count}});
  }
  [[nodiscard]] uint32_t Held() const { return pool_->ring.Occupancy().held; }

  std::shared_ptr<Pool> pool_ = MakePool();
  bool refused_ = false;
  std::vector<std::function<void()>> posted_;
  std::shared_ptr<EventLog> log_ =
      std::make_shared<EventLog>("sim0", std::make_shared<SharedFrames>(),
                                 [this](auto task) { posted_.push_back(std::move(task)); });
};

TEST_F(EventLogTest, AReaderGetsWhatHappensAfterItCame) {
  Tell(1);
  const auto reader = Open();
  EXPECT_EQ(reader->TryRead(kPlenty), std::nullopt);
  Tell(2);
  Tell(3);
  EXPECT_EQ(reader->TryRead(kPlenty), Told(2) + Told(3));
  EXPECT_EQ(reader->TryRead(kPlenty), std::nullopt);
}

TEST_F(EventLogTest, EveryReaderGetsEverything) {
  const auto first = Open();
  const auto second = Open();
  Tell(1);
  EXPECT_EQ(first->TryRead(kPlenty), Told(1));
  EXPECT_EQ(second->TryRead(kPlenty), Told(1));
}

TEST_F(EventLogTest, KnowsWhetherAnybodyListens) {
  EXPECT_FALSE(log_->HasReaders());
  auto reader = Open();
  EXPECT_TRUE(log_->HasReaders());
  reader.reset();
  EXPECT_FALSE(log_->HasReaders());
}

TEST_F(EventLogTest, AWaitingReadIsAnsweredOnceByTheNextEvent) {
  const auto reader = Open();
  std::vector<std::string> delivered;
  const auto deliver = [&](const std::string& lines) { delivered.push_back(lines); };
  EXPECT_TRUE(reader->Read(kPlenty, deliver));
  EXPECT_FALSE(reader->Read(kPlenty, deliver)) << "one read may wait at a time";
  EXPECT_TRUE(delivered.empty());
  Tell(1);
  Tell(2);
  EXPECT_EQ(delivered, std::vector{Told(1)});
  EXPECT_EQ(reader->TryRead(kPlenty), Told(2));
}

TEST_F(EventLogTest, AReadThatWasGivenUpLosesNothing) {
  const auto reader = Open();
  EXPECT_FALSE(reader->CancelRead());
  reader->Read(kPlenty, [](const std::string&) { ADD_FAILURE() << "it was given up"; });
  EXPECT_TRUE(reader->CancelRead());
  Tell(1);
  EXPECT_EQ(reader->TryRead(kPlenty), Told(1));
}

TEST_F(EventLogTest, ReadsReturnWholeLinesThatFit) {
  const auto reader = Open();
  for (const uint64_t sequence : {1, 2, 3}) Tell(sequence);
  const size_t two_and_a_half = 2 * Told(1).size() + 10;
  EXPECT_EQ(reader->TryRead(two_and_a_half), Told(1) + Told(2));
  EXPECT_EQ(reader->TryRead(two_and_a_half), Told(3));
}

TEST_F(EventLogTest, ALineLongerThanTheReadComesInPieces) {
  const auto reader = Open();
  Tell(1);
  const std::string head = *reader->TryRead(10);
  EXPECT_EQ(head.size(), 10U);
  EXPECT_EQ(head + *reader->TryRead(kPlenty), Told(1));
}

TEST_F(EventLogTest, LinesLostInTheMiddleOfALineAreToldAfterIt) {
  const auto reader = Open();
  Tell(0);
  const std::string head = *reader->TryRead(10);
  for (uint64_t sequence = 1; sequence <= kMoreThanAReaderKeeps; ++sequence) Tell(sequence);
  EXPECT_EQ(head + *reader->TryRead(kPlenty), Told(0));
  const std::string lines = *reader->TryRead(kPlenty);
  const auto lost = nlohmann::json::parse(lines.substr(0, lines.find('\n')));
  ASSERT_EQ(lost.at("event"), "lost");
  EXPECT_NE(lines.find(Told(1 + lost.at("count").get<uint64_t>())), std::string::npos);
}

TEST_F(EventLogTest, AReaderWhoKeepsUpLosesNothingBesideASlowOne) {
  const auto slow = Open();
  const auto quick = Open();
  for (uint64_t sequence = 0; sequence < kMoreThanAReaderKeeps; ++sequence) {
    Tell(sequence);
    ASSERT_EQ(quick->TryRead(kPlenty), Told(sequence));
  }
}

TEST_F(EventLogTest, NothingIsKeptForReadersWhoHaveGone) {
  Open();
  auto reader = Open();
  Tell(1);
  reader.reset();
  Tell(2);
  reader = Open();
  Tell(3);
  EXPECT_EQ(reader->TryRead(kPlenty), Told(3));
}

TEST_F(EventLogTest, ASlowReaderIsToldHowManyItLost) {
  const auto reader = Open();
  for (uint64_t sequence = 0; sequence < kMoreThanAReaderKeeps; ++sequence) Tell(sequence);
  const std::string lines = *reader->TryRead(kPlenty);
  const auto lost = nlohmann::json::parse(lines.substr(0, lines.find('\n')));
  ASSERT_EQ(lost.at("event"), "lost");
  const uint64_t count = lost.at("count");
  EXPECT_GT(count, 0U);
  const auto kept = static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n')) - 1;
  EXPECT_EQ(count + kept, kMoreThanAReaderKeeps);
  EXPECT_NE(lines.find(Told(count)), std::string::npos) << "the oldest ones are lost";
}

TEST_F(EventLogTest, ReadyFiresOnce) {
  const auto reader = Open();
  int fired = 0;
  reader->NotifyReady([&] { ++fired; });
  EXPECT_FALSE(reader->Ready());
  Tell(1);
  Tell(2);
  EXPECT_TRUE(reader->Ready());
  EXPECT_EQ(fired, 1);
  reader->NotifyReady([&] { ++fired; });
  EXPECT_EQ(fired, 2) << "there is something to read already";
}

TEST_F(EventLogTest, AReadEndsWithTheFirstFrameThatItTellsOf) {
  const auto reader = Open();
  Tell(7);
  Frame(0);
  Frame(1);
  Tell(8);
  EXPECT_EQ(reader->TryRead(kPlenty), Told(7) + FrameLine(0));
  EXPECT_EQ(reader->TryRead(kPlenty), FrameLine(1));
  EXPECT_EQ(reader->TryRead(kPlenty), Told(8));
}

TEST_F(EventLogTest, AFrameThatAReaderWasToldOfStaysUntilItReadsOn) {
  const auto reader = Open();
  Frame(0);
  EXPECT_EQ(reader->TryRead(kPlenty), FrameLine(0));
  for (uint64_t sequence = 1; sequence <= 100; ++sequence) Frame(sequence);
  EXPECT_TRUE(pool_->ring.Named(0));
  EXPECT_EQ(Held(), 1U);
  EXPECT_EQ(reader->TryRead(kPlenty), LostLine(101 - kSlots) + FrameLine(101 - kSlots + 1));
  EXPECT_EQ(pool_->ring.Counters().delivered, 0U) << "nobody has opened it";
  reader->TryRead(kPlenty);
  while (reader->TryRead(kPlenty)) continue;
  EXPECT_EQ(Held(), 0U);
}

TEST_F(EventLogTest, AFrameStaysWhileItsLineIsReadByteByByte) {
  const auto reader = Open();
  Frame(0);
  std::string line;
  while (!line.ends_with('\n')) {
    line += *reader->TryRead(1);
    if (line.size() == 1) {
      for (uint64_t sequence = 1; sequence <= 100; ++sequence) Frame(sequence);
    }
    ASSERT_TRUE(pool_->ring.Named(0));
  }
  EXPECT_EQ(line, FrameLine(0));
}

TEST_F(EventLogTest, AFrameThatAWaitingReaderIsToldOfStays) {
  const auto reader = Open();
  std::string delivered;
  reader->Read(kPlenty, [&](const std::string& lines) { delivered = lines; });
  Frame(0);
  EXPECT_EQ(delivered, FrameLine(0));
  for (uint64_t sequence = 1; sequence <= 100; ++sequence) Frame(sequence);
  EXPECT_TRUE(pool_->ring.Named(0));
}

TEST_F(EventLogTest, LinesOfFramesThatAreGoneBecomeOne) {
  const auto reader = Open();
  for (uint64_t sequence = 0; sequence < 10; ++sequence) Frame(sequence);
  Tell(7);
  for (uint64_t sequence = 10; sequence < 20; ++sequence) Frame(sequence);
  EXPECT_EQ(reader->TryRead(kPlenty),
            LostLine(10) + Told(7) + LostLine(10 - kSlots) + FrameLine(20 - kSlots));
}

TEST_F(EventLogTest, AFrameThatSomebodyUnlinkedIsGone) {
  const auto reader = Open();
  Frame(0);
  Frame(1);
  pool_->ring.Unlink(0);
  EXPECT_EQ(reader->TryRead(kPlenty), LostLine(1) + FrameLine(1));
}

TEST_F(EventLogTest, TheFramesOfBuffersThatWereReplacedAreGone) {
  const auto reader = Open();
  Frame(0);
  pool_->ring.Retire();
  EXPECT_EQ(reader->TryRead(kPlenty), LostLine(1));
}

TEST_F(EventLogTest, WhoMayHoldNoMoreIsToldOfFramesAllTheSame) {
  const auto reader = Open();
  refused_ = true;
  Frame(0);
  EXPECT_EQ(reader->TryRead(kPlenty), FrameLine(0));
  EXPECT_EQ(Held(), 0U);
}

TEST_F(EventLogTest, ReadersTogetherLeaveTwoBuffersToCapture) {
  std::vector<std::unique_ptr<EventReader>> readers;
  for (uint64_t sequence = 0; sequence < kSlots; ++sequence) {
    readers.push_back(Open());
    Frame(sequence);
    EXPECT_EQ(readers.back()->TryRead(kPlenty), FrameLine(sequence));
  }
  EXPECT_EQ(Held(), kSlots - 2);
}

// The thread that appends is the one that captures.
TEST_F(EventLogTest, ManyReadersAreServedByAnotherThread) {
  constexpr int kReaders = 100;
  std::vector<std::unique_ptr<EventReader>> readers;
  int served = 0;
  for (int i = 0; i < kReaders; ++i) {
    readers.push_back(Open());
    if (i % 2 == 0) {
      readers.back()->Read(kPlenty, [&](const std::string&) { ++served; });
    } else {
      readers.back()->NotifyReady([&] { ++served; });
    }
  }
  Tell(1);
  EXPECT_EQ(served, 0);
  ASSERT_EQ(posted_.size(), 1U);
  posted_.front()();
  EXPECT_EQ(served, kReaders);
}

TEST_F(EventLogTest, AfterTheEndReadersGetTheRestAndThenNothing) {
  const auto reader = Open();
  Tell(1);
  log_->Close();
  EXPECT_EQ(reader->TryRead(kPlenty), Told(1));
  EXPECT_EQ(reader->TryRead(kPlenty), "");
  EXPECT_EQ(Open()->TryRead(kPlenty), "");
}

TEST_F(EventLogTest, ReadersComeAndGoWhileEventsAreAppended) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      while (!stop) {
        const auto reader = Open();
        reader->Read(kPlenty, [](const std::string& lines) { EXPECT_EQ(lines.back(), '\n'); });
        reader->TryRead(kPlenty);
        reader->CancelRead();
      }
    });
  }
  for (uint64_t sequence = 0; sequence < kMoreThanAReaderKeeps; ++sequence) Tell(sequence);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(log_->HasReaders());
}

TEST_F(EventLogTest, TheEndWakesAWaitingRead) {
  const auto reader = Open();
  std::optional<std::string> delivered;
  reader->Read(kPlenty, [&](const std::string& lines) { delivered = lines; });
  log_->Close();
  EXPECT_EQ(delivered, "");
}

}  // namespace
}  // namespace grabfs
