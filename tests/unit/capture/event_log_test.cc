// SPDX-License-Identifier: Apache-2.0
#include "fusefs/capture/event_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

namespace grabfs {
namespace {

constexpr size_t kPlenty = 1 << 20;
constexpr uint64_t kMoreThanAReaderKeeps = 5000;

class EventLogTest : public ::testing::Test {
 protected:
  void Frame(uint64_t sequence) { log_->Append("frame", {{"sequence", sequence}}); }

  static std::string FrameLine(uint64_t sequence) {
    return EventLine("frame", "sim0", {{"sequence", sequence}});
  }

  std::shared_ptr<EventLog> log_ = std::make_shared<EventLog>("sim0");
};

TEST_F(EventLogTest, AReaderGetsWhatHappensAfterItCame) {
  Frame(1);
  const auto reader = log_->Open();
  EXPECT_EQ(reader->TryRead(kPlenty), std::nullopt);
  Frame(2);
  Frame(3);
  EXPECT_EQ(reader->TryRead(kPlenty), FrameLine(2) + FrameLine(3));
  EXPECT_EQ(reader->TryRead(kPlenty), std::nullopt);
}

TEST_F(EventLogTest, EveryReaderGetsEverything) {
  const auto first = log_->Open();
  const auto second = log_->Open();
  Frame(1);
  EXPECT_EQ(first->TryRead(kPlenty), FrameLine(1));
  EXPECT_EQ(second->TryRead(kPlenty), FrameLine(1));
}

TEST_F(EventLogTest, KnowsWhetherAnybodyListens) {
  EXPECT_FALSE(log_->HasReaders());
  auto reader = log_->Open();
  EXPECT_TRUE(log_->HasReaders());
  reader.reset();
  EXPECT_FALSE(log_->HasReaders());
}

TEST_F(EventLogTest, AWaitingReadIsAnsweredOnceByTheNextEvent) {
  const auto reader = log_->Open();
  std::vector<std::string> delivered;
  const auto deliver = [&](const std::string& lines) { delivered.push_back(lines); };
  EXPECT_TRUE(reader->Read(kPlenty, deliver));
  EXPECT_FALSE(reader->Read(kPlenty, deliver)) << "one read may wait at a time";
  EXPECT_TRUE(delivered.empty());
  Frame(1);
  Frame(2);
  EXPECT_EQ(delivered, std::vector{FrameLine(1)});
  EXPECT_EQ(reader->TryRead(kPlenty), FrameLine(2));
}

TEST_F(EventLogTest, AReadThatWasGivenUpLosesNothing) {
  const auto reader = log_->Open();
  EXPECT_FALSE(reader->CancelRead());
  reader->Read(kPlenty, [](const std::string&) { ADD_FAILURE() << "it was given up"; });
  EXPECT_TRUE(reader->CancelRead());
  Frame(1);
  EXPECT_EQ(reader->TryRead(kPlenty), FrameLine(1));
}

TEST_F(EventLogTest, ReadsReturnWholeLinesThatFit) {
  const auto reader = log_->Open();
  for (const uint64_t sequence : {1, 2, 3}) Frame(sequence);
  const size_t two_and_a_half = 2 * FrameLine(1).size() + 10;
  EXPECT_EQ(reader->TryRead(two_and_a_half), FrameLine(1) + FrameLine(2));
  EXPECT_EQ(reader->TryRead(two_and_a_half), FrameLine(3));
}

TEST_F(EventLogTest, ALineLongerThanTheReadComesInPieces) {
  const auto reader = log_->Open();
  Frame(1);
  const std::string head = *reader->TryRead(10);
  EXPECT_EQ(head.size(), 10U);
  EXPECT_EQ(head + *reader->TryRead(kPlenty), FrameLine(1));
}

TEST_F(EventLogTest, LinesLostInTheMiddleOfALineAreToldAfterIt) {
  const auto reader = log_->Open();
  Frame(0);
  const std::string head = *reader->TryRead(10);
  for (uint64_t sequence = 1; sequence <= kMoreThanAReaderKeeps; ++sequence) Frame(sequence);
  EXPECT_EQ(head + *reader->TryRead(kPlenty), FrameLine(0));
  const std::string lines = *reader->TryRead(kPlenty);
  const auto lost = nlohmann::json::parse(lines.substr(0, lines.find('\n')));
  ASSERT_EQ(lost.at("event"), "lost");
  EXPECT_NE(lines.find(FrameLine(1 + lost.at("count").get<uint64_t>())), std::string::npos);
}

TEST_F(EventLogTest, AReaderWhoKeepsUpLosesNothingBesideASlowOne) {
  const auto slow = log_->Open();
  const auto quick = log_->Open();
  for (uint64_t sequence = 0; sequence < kMoreThanAReaderKeeps; ++sequence) {
    Frame(sequence);
    ASSERT_EQ(quick->TryRead(kPlenty), FrameLine(sequence));
  }
}

TEST_F(EventLogTest, NothingIsKeptForReadersWhoHaveGone) {
  log_->Open();
  auto reader = log_->Open();
  Frame(1);
  reader.reset();
  Frame(2);
  reader = log_->Open();
  Frame(3);
  EXPECT_EQ(reader->TryRead(kPlenty), FrameLine(3));
}

TEST_F(EventLogTest, ASlowReaderIsToldHowManyItLost) {
  const auto reader = log_->Open();
  for (uint64_t sequence = 0; sequence < kMoreThanAReaderKeeps; ++sequence) Frame(sequence);
  const std::string lines = *reader->TryRead(kPlenty);
  const auto lost = nlohmann::json::parse(lines.substr(0, lines.find('\n')));
  ASSERT_EQ(lost.at("event"), "lost");
  const uint64_t count = lost.at("count");
  EXPECT_GT(count, 0U);
  const auto kept = static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n')) - 1;
  EXPECT_EQ(count + kept, kMoreThanAReaderKeeps);
  EXPECT_NE(lines.find(FrameLine(count)), std::string::npos) << "the oldest ones are lost";
}

TEST_F(EventLogTest, ReadyFiresOnce) {
  const auto reader = log_->Open();
  int fired = 0;
  reader->NotifyReady([&] { ++fired; });
  EXPECT_FALSE(reader->Ready());
  Frame(1);
  Frame(2);
  EXPECT_TRUE(reader->Ready());
  EXPECT_EQ(fired, 1);
  reader->NotifyReady([&] { ++fired; });
  EXPECT_EQ(fired, 2) << "there is something to read already";
}

TEST_F(EventLogTest, AfterTheEndReadersGetTheRestAndThenNothing) {
  const auto reader = log_->Open();
  Frame(1);
  log_->Close();
  EXPECT_EQ(reader->TryRead(kPlenty), FrameLine(1));
  EXPECT_EQ(reader->TryRead(kPlenty), "");
  EXPECT_EQ(log_->Open()->TryRead(kPlenty), "");
}

TEST_F(EventLogTest, ReadersComeAndGoWhileEventsAreAppended) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      while (!stop) {
        const auto reader = log_->Open();
        reader->Read(kPlenty, [](const std::string& lines) { EXPECT_EQ(lines.back(), '\n'); });
        reader->TryRead(kPlenty);
        reader->CancelRead();
      }
    });
  }
  for (uint64_t sequence = 0; sequence < kMoreThanAReaderKeeps; ++sequence) Frame(sequence);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(log_->HasReaders());
}

TEST_F(EventLogTest, TheEndWakesAWaitingRead) {
  const auto reader = log_->Open();
  std::optional<std::string> delivered;
  reader->Read(kPlenty, [&](const std::string& lines) { delivered = lines; });
  log_->Close();
  EXPECT_EQ(delivered, "");
}

}  // namespace
}  // namespace grabfs
