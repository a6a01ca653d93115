// SPDX-License-Identifier: Apache-2.0
//
// The promise of events: everything that happens is told once, in order, in whole lines, to every
// reader; reading blocks or does not, as asked; who is too slow is told what was missed.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

class EventsTest : public MountTest {
 protected:
  static bool IsReadable(int fd) {
    pollfd polled{fd, POLLIN, 0};
    return ::poll(&polled, 1, 0) == 1 && (polled.revents & POLLIN);
  }
  static bool BecomesReadable(int fd) {
    return WaitUntil([fd] { return IsReadable(fd); });
  }
};

TEST_F(EventsTest, AFrameIsAnnouncedWithAllThatIsKnownAboutIt) {
  EventReader events(device());
  const uint64_t sequence = device().Capture(1);
  const nlohmann::json frame = events.NextOf("frame");
  EXPECT_EQ(frame.at("device"), "sim0");
  EXPECT_EQ(frame.at("sequence"), sequence);
  EXPECT_LT(frame.at("buffer"), kBuffers);
  EXPECT_EQ(frame.at("timestamp_ns").dump(), Xattr(device().Frame(sequence), "timestamp_ns"));
  EXPECT_EQ(frame.at("bytes_used"), picture_.bytes());
  EXPECT_EQ(frame.at("dropped"), 0U);
  EXPECT_EQ(frame.at("flags"), 0U);
}

TEST_F(EventsTest, AnAnnouncedFrameCanBeOpened) {
  EventReader events(device());
  for (int i = 0; i < 100; i++) {
    device().Set("trigger", "1");
    const uint64_t sequence = events.NextOf("frame").at("sequence");
    ASSERT_TRUE(picture_.IsFrame(ReadFile(device().Frame(sequence)), sequence));
  }
}

// A loop that does something with each frame, and is slower than the device.
TEST_F(EventsTest, AnAnnouncedFrameCanBeOpenedHoweverSlowTheReaderIs) {
  EventReader events(device());
  device().Capture(1);
  for (int i = 0; i < 50; i++) {
    const uint64_t sequence = events.NextOf("frame").at("sequence");
    device().Capture(4 * kBuffers);
    ASSERT_TRUE(picture_.IsFrame(ReadFile(device().Frame(sequence)), sequence));
  }
}

TEST_F(EventsTest, AShellThatIsSlowFindsEachFrameThatItIsToldOf) {
  const std::string loop =
      "exec <" + device().Path("events") + "; cd " + device().Path("") +
      "; echo 1 >trigger; for i in 1 2 3 4 5 6 7 8; do"
      " while read -r line && [ \"${line#*frame}\" = \"$line\" ]; do :; done;"
      " echo 20 >trigger; until [ $(cat trigger) = 0 ]; do :; done;"
      " sequence=${line#*sequence\\\":}; cat frames/$(printf %08d ${sequence%%,*}).raw || exit 1;"
      " done";
  const CommandResult result = RunCommand({"bash", "-c", loop});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out.size(), 8 * picture_.bytes());
}

TEST_F(EventsTest, FramesAreAnnouncedInOrderAndThoseThatAreGoneAreCounted) {
  EventReader events(device());
  const uint64_t first = device().NextSequence();
  device().Set("trigger", "500");
  uint64_t next = first;
  while (next < first + 500) {
    const auto event = events.Next();
    ASSERT_TRUE(event);
    if (event->at("event") == "lost") {
      next += event->at("count").get<uint64_t>();
    } else {
      ASSERT_EQ(event->at("event"), "frame");
      ASSERT_EQ(event->at("sequence"), next++);
    }
  }
}

TEST_F(EventsTest, ADropIsAnnouncedWithNumberCountAndReason) {
  device().Set("policy", "keep-oldest");
  const uint64_t last = device().Capture(kBuffers);
  EventReader events(device());
  device().Capture(2);
  uint64_t dropped = 0;
  while (dropped < 2) {
    const nlohmann::json drop = events.NextOf("drop");
    EXPECT_EQ(drop.at("device"), "sim0");
    EXPECT_EQ(drop.at("sequence"), last + 1 + dropped);
    EXPECT_FALSE(drop.at("reason").get<std::string>().empty());
    dropped += drop.at("count").get<uint64_t>();
  }
  EXPECT_EQ(dropped, 2U);
}

TEST_F(EventsTest, ChangesOfStateAreAnnounced) {
  EventReader events(device());
  device().Set("state", "start");
  EXPECT_EQ(events.NextOf("state").at("state"), "streaming");
  device().Set("state", "stop");
  const nlohmann::json stopped = events.NextOf("state");
  EXPECT_EQ(stopped.at("state"), "stopped");
  EXPECT_EQ(stopped.at("device"), "sim0");
}

TEST_F(EventsTest, EachOpenStartsWithWhatHappensNext) {
  device().Capture(3);
  EventReader events(device());
  EXPECT_FALSE(IsReadable(events.fd()));
  const uint64_t sequence = device().Capture(1);
  EXPECT_EQ(events.NextOf("frame").at("sequence"), sequence);
}

TEST_F(EventsTest, WithoutWaitingAnEmptyReadIsEagain) {
  const UniqueFd fd = Open(device().Path("events"), O_RDONLY | O_NONBLOCK);
  std::array<char, 4096> chunk{};
  EXPECT_EQ(ErrorOf(::read(fd.get(), chunk.data(), chunk.size())), EAGAIN);
  device().Capture(1);
  ASSERT_TRUE(BecomesReadable(fd.get()));
  EXPECT_GT(::read(fd.get(), chunk.data(), chunk.size()), 0);
  while (::read(fd.get(), chunk.data(), chunk.size()) > 0) continue;
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(EventsTest, ABlockedReaderIsWokenByTheFrame) {
  Child reader([&](Child::Parent parent) {
    const UniqueFd fd = Open(device().Path("events"), O_RDONLY);
    std::array<char, 4096> chunk{};
    parent.Tell();
    return ::read(fd.get(), chunk.data(), chunk.size()) > 0 ? 0 : 1;
  });
  reader.Await();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // let it block; either way it passes
  device().Capture(1);
  EXPECT_EQ(reader.Wait(), 0);
}

TEST_F(EventsTest, ABlockedReaderCanBeKilled) {
  Child reader([&](Child::Parent parent) {
    const UniqueFd fd = Open(device().Path("events"), O_RDONLY);
    std::array<char, 4096> chunk{};
    parent.Tell();
    return ::read(fd.get(), chunk.data(), chunk.size()) > 0 ? 0 : 1;
  });
  reader.Await();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ::kill(reader.pid(), SIGTERM);
  EXPECT_EQ(reader.Wait(), 128 + SIGTERM);
}

TEST_F(EventsTest, PollWaitsForTheNextEvent) {
  EventReader events(device());
  EXPECT_FALSE(IsReadable(events.fd()));
  device().Capture(1);
  EXPECT_TRUE(BecomesReadable(events.fd()));
  while (IsReadable(events.fd())) ASSERT_TRUE(events.Next());
  device().Capture(1);
  EXPECT_TRUE(BecomesReadable(events.fd()));
}

// Whatever the reader missed is in the counts of its `lost` lines: nothing goes silently.
TEST_F(EventsTest, ASlowReaderIsToldHowMuchItMissed) {
  constexpr uint64_t kFrames = 50000;
  EventReader events(device());
  const uint64_t last = device().Capture(kFrames);
  uint64_t frames = 0;
  uint64_t lost = 0;
  uint64_t newest = 0;
  while (newest != last) {
    const std::optional<nlohmann::json> event = events.Next();
    ASSERT_TRUE(event.has_value());
    if (event->at("event") == "lost") lost += event->at("count").get<uint64_t>();
    if (event->at("event") != "frame") continue;
    frames++;
    newest = event->at("sequence");
  }
  EXPECT_GT(lost, 0U);
  // Triggered captures announce frames only; what else may be lost is counted too.
  EXPECT_GE(frames + lost, kFrames);
}

TEST_F(EventsTest, ManyReadersEachSeeEverything) {
  std::vector<std::unique_ptr<EventReader>> readers;
  for (int i = 0; i < 64; i++) readers.push_back(std::make_unique<EventReader>(device()));
  const uint64_t first = device().NextSequence();
  for (uint64_t i = 0; i < 20; i++) {
    device().Capture(1);
    for (const auto& reader : readers) {
      ASSERT_EQ(reader->NextOf("frame").at("sequence"), first + i);
    }
  }
}

// Each holds the frame that it was told of.
TEST_F(EventsTest, ManyReadersLeaveBuffersToCapture) {
  std::vector<std::unique_ptr<EventReader>> readers;
  for (int i = 0; i < 64; i++) {
    readers.push_back(std::make_unique<EventReader>(device()));
    device().Capture(1);
    readers.back()->NextOf("frame");
  }
  device().Capture(4 * kBuffers);
  EXPECT_EQ(device().Status().at("counters").at("dropped"), 0);
}

// A clip that is cut off while it plays is the software image of a transfer that fails.
TEST_F(EventsTest, AFailedTransferIsAnnouncedAndCounted) {
  const std::string clip = MakeScratchDirectory("clip") + "/clip.raw";
  CreateFile(clip, std::vector<std::byte>(size_t{16} * 16 * 4));
  Start({{"sim0=replay:" + clip + ",format=GREY,width=16,height=16,rate=0,buffers=2"}, {}});
  EventReader events(device());
  ASSERT_EQ(ErrorOf(::truncate(clip.c_str(), 16 * 16)), 0);
  device().Capture(4);
  const nlohmann::json error = events.NextOf("error");
  EXPECT_EQ(error.at("device"), "sim0");
  EXPECT_FALSE(error.at("reason").get<std::string>().empty());
  const nlohmann::json counters = device().Status().at("counters");
  EXPECT_GT(counters.at("failed"), 0);
  EXPECT_EQ(counters.at("captured"), 4);
}

TEST_F(EventsTest, DevicesDoNotHearEachOther) {
  Start({{"one=pattern,width=64,height=64,rate=0,buffers=2,state=stopped",
          "two=pattern,width=64,height=64,rate=0,buffers=2,state=stopped"},
         {}});
  EventReader events(mount().GetDevice("one"));
  mount().GetDevice("two").Capture(5);
  EXPECT_FALSE(IsReadable(events.fd()));
  mount().GetDevice("one").Capture(1);
  EXPECT_EQ(events.NextOf("frame").at("device"), "one");
}

TEST_F(EventsTest, AShellReadsALine) {
  Process head({"head", "-n", "1", device().Path("events")});
  EXPECT_TRUE(WaitUntil([&] {
    device().Capture(1);
    return head.Poll().has_value();
  }));
  EXPECT_EQ(nlohmann::json::parse(head.out()).at("event"), "frame") << head.out();
}

TEST_F(EventsTest, EventsCannotBeWritten) {
  EXPECT_EQ(Stat(device().Path("events")).st_mode & 0222, 0U);
  const UniqueFd fd(::open(device().Path("events").c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_TRUE(!fd.valid() || ::write(fd.get(), "x", 1) < 0);
}

}  // namespace
}  // namespace grabfs::mount_test
