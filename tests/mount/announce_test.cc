// SPDX-License-Identifier: Apache-2.0
//
// announce=1: directory watchers see the frames of a device as files that are made and deleted.
// Nothing else of the frames changes, and nobody waits for those who announce them.
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "fusefs/base/error.h"
#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {
namespace {

constexpr uint32_t kMask = IN_CREATE | IN_CLOSE_WRITE | IN_DELETE | IN_MOVE;

class Watcher {
 public:
  struct Event {
    uint32_t what;
    std::string name;
    friend bool operator==(const Event&, const Event&) = default;
  };

  explicit Watcher(const std::string& directory)
      : fd_(CheckSyscall(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC), "inotify_init1")) {
    CheckSyscall(::inotify_add_watch(fd_.get(), directory.c_str(), kMask), "watch");
  }

  // Waits for the next event; nullopt: none comes.
  std::optional<Event> Next(std::chrono::milliseconds patience = kPatience) {
    while (next_ == events_.size()) {
      pollfd ready = {fd_.get(), POLLIN, 0};
      if (::poll(&ready, 1, static_cast<int>(patience.count())) != 1) return std::nullopt;
      Read();
    }
    return events_[next_++];
  }
  // The next event of this kind.
  std::string NextOf(uint32_t what) {
    while (const auto event = Next()) {
      if (event->what == what) return event->name;
    }
    throw std::runtime_error("no event");
  }
  // All that have been queued until now.
  std::vector<Event> Queued() {
    std::vector<Event> all;
    while (const auto event = Next(std::chrono::milliseconds(0))) all.push_back(*event);
    return all;
  }

 private:
  void Read() {
    alignas(inotify_event) std::array<char, 4096> buffer{};
    const ssize_t size = ::read(fd_.get(), buffer.data(), buffer.size());
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      events_.push_back({event->mask & IN_ALL_EVENTS, event->len > 0 ? event->name : ""});
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
  }

  const UniqueFd fd_;
  std::vector<Event> events_;
  size_t next_ = 0;
};

class AnnounceTest : public MountTest {
 protected:
  [[nodiscard]] std::string frames() const { return device().Path("frames"); }
  [[nodiscard]] std::string NameOf(uint64_t sequence) const {
    const std::string path = device().Frame(sequence);
    return path.substr(path.rfind('/') + 1);
  }

  // The process that announces; -1: there is none.
  [[nodiscard]] pid_t Announcer() {
    const std::string daemon = "/proc/" + std::to_string(mount().daemon().pid());
    for (const std::string& thread : List(daemon + "/task")) {
      std::istringstream children(ReadText(daemon + "/task/" + thread + "/children"));
      for (pid_t child = 0; children >> child;) {
        std::string command;
        std::ifstream file("/proc/" + std::to_string(child) + "/cmdline");
        std::getline(file, command, '\0');
        if (command == "grabfs-announcer") return child;
      }
    }
    return -1;
  }
};

TEST_F(AnnounceTest, ByDefaultNothingIsAnnounced) {
  EXPECT_EQ(device().Get("announce"), "0");
  Watcher watcher(frames());
  device().Capture(3 * kBuffers);
  device().Set("announce", "1");
  const uint64_t sequence = device().Capture(1);
  EXPECT_EQ(watcher.Next(), (Watcher::Event{IN_CREATE, NameOf(sequence)}));
}

TEST_F(AnnounceTest, AFrameIsMadeAndClosedAndIsThereByThen) {
  device().Set("announce", "1");
  Watcher watcher(frames());
  for (int i = 0; i < 3; ++i) {
    const uint64_t sequence = device().Capture(1);
    EXPECT_EQ(watcher.Next(), (Watcher::Event{IN_CREATE, NameOf(sequence)}));
    EXPECT_EQ(watcher.Next(), (Watcher::Event{IN_CLOSE_WRITE, NameOf(sequence)}));
    EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Frame(sequence)), sequence));
  }
}

TEST_F(AnnounceTest, AFrameThatIsRecycledIsDeleted) {
  device().Set("announce", "1");
  Watcher watcher(frames());
  const uint64_t sequence = device().Capture(1);
  EXPECT_EQ(watcher.NextOf(IN_CLOSE_WRITE), NameOf(sequence));
  for (unsigned i = 0; i < kBuffers; ++i) device().Capture(1);
  EXPECT_EQ(watcher.NextOf(IN_DELETE), NameOf(sequence));
  EXPECT_FALSE(Exists(device().Frame(sequence)));
}

// A frame that a program unlinks before its turn is deleted and was never made.
TEST_F(AnnounceTest, WhatWasMadeIsDeletedOnceWhateverHappens) {
  device().Set("announce", "1");
  Watcher watcher(frames());
  std::set<std::string> made;
  std::set<std::string> deleted;
  const auto collect = [&] {
    for (const auto& [what, name] : watcher.Queued()) {
      if (what == IN_CREATE) {
        EXPECT_TRUE(made.insert(name).second) << name << " is made again";
        EXPECT_FALSE(deleted.contains(name)) << name << " is made after it was deleted";
      } else if (what == IN_DELETE) {
        EXPECT_TRUE(deleted.insert(name).second) << name << " is deleted again";
      }
    }
  };
  for (unsigned i = 0; i < 200; ++i) {
    const uint64_t sequence = device().Capture(1);
    if (i % 3 == 0) (void)::unlink(device().Frame(sequence).c_str());
    if (i % 7 == 0) (void)Exists(device().Frame(sequence));
    if (i % 50 == 49) device().Set("width", std::to_string(kWidth + i + 1));
    collect();
  }
  device().Set("width", std::to_string(kWidth));
  device().Capture(1);
  EXPECT_TRUE(WaitUntil([&] {
    collect();
    const auto there = [&](const std::string& name) { return !deleted.contains(name); };
    return !made.empty() && std::ranges::count_if(made, there) <= 1;
  }));
}

TEST_F(AnnounceTest, AReaderKeepsHisFrameWhileItsNameIsMadeAndDeleted) {
  device().Set("announce", "1");
  Watcher watcher(frames());
  const uint64_t sequence = device().Capture(1);
  const UniqueFd fd = Open(device().Frame(sequence), O_RDONLY);
  EXPECT_EQ(watcher.NextOf(IN_CLOSE_WRITE), NameOf(sequence));
  device().Set("width", "64");  // other buffers: the names of the old frames go
  device().Capture(1);
  EXPECT_EQ(watcher.NextOf(IN_DELETE), NameOf(sequence));
  EXPECT_EQ(static_cast<uint64_t>(StatFd(fd.get()).st_size), picture_.bytes());
  EXPECT_TRUE(picture_.IsFrame(ReadAll(fd.get()), sequence));
}

TEST_F(AnnounceTest, ItCanBeSwitchedOffWhileTheDeviceStreams) {
  device().Set("announce", "1");
  Watcher watcher(frames());
  device().Set("state", "start");
  (void)watcher.NextOf(IN_CREATE);
  int announced = 1;
  device().Set("announce", "0");
  device().Stop();
  // What had been announced goes in the end: its last name is made before its first one goes.
  device().Capture(3 * kBuffers);
  EXPECT_TRUE(WaitUntil([&] {
    for (const Watcher::Event& event : watcher.Queued()) {
      announced += (event.what == IN_CREATE) - (event.what == IN_DELETE);
    }
    return announced == 0;
  }));
  Watcher later(frames());
  device().Capture(3 * kBuffers);
  EXPECT_EQ(later.Next(std::chrono::milliseconds(200)), std::nullopt);
}

TEST_F(AnnounceTest, ItIsAKeyOfTheDeviceAndInItsStatus) {
  EXPECT_EQ(device().Status().at("announce"), false);
  EXPECT_EQ(device().TrySet("announce", "2"), EINVAL);
  Start({{std::string(kDevice) + ",announce=1"}, {}});
  EXPECT_EQ(device().Get("announce"), "1");
  EXPECT_EQ(device().Status().at("announce"), true);
  Watcher watcher(frames());
  const uint64_t sequence = device().Capture(1);
  EXPECT_EQ(watcher.NextOf(IN_CLOSE_WRITE), NameOf(sequence));
}

TEST_F(AnnounceTest, NobodyElseCanMakeOrWriteFrames) {
  device().Set("announce", "1");
  Watcher watcher(frames());
  const uint64_t sequence = device().Capture(1);
  (void)watcher.NextOf(IN_CLOSE_WRITE);
  const std::string next = device().Frame(sequence + 1);
  EXPECT_EQ(ErrorOf(::open(next.c_str(), O_CREAT | O_WRONLY, 0600)), EPERM);
  EXPECT_EQ(OpenError(device().Frame(sequence), O_WRONLY), EACCES);
}

// Its descriptors, its work and its death are nobody's business.
TEST_F(AnnounceTest, NothingWaitsForTheProcessThatAnnounces) {
  device().Set("announce", "1");
  Watcher watcher(frames());
  device().Capture(1);
  (void)watcher.NextOf(IN_CLOSE_WRITE);
  const pid_t announcer = Announcer();
  ASSERT_GT(announcer, 0);
  ASSERT_EQ(::kill(announcer, SIGSTOP), 0);
  const uint64_t last = device().Capture(20 * kBuffers);
  EXPECT_TRUE(picture_.IsFrame(ReadFile(device().Frame(last)), last));
  ASSERT_EQ(::kill(announcer, SIGCONT), 0);
  // What went unannounced is not announced later.
  std::string newest;
  while (newest != NameOf(last)) newest = watcher.NextOf(IN_CLOSE_WRITE);
  ASSERT_EQ(::kill(announcer, SIGKILL), 0);
  // There is another one, as soon as its death has been seen.
  EXPECT_TRUE(WaitUntil([&] {
    device().Capture(1);
    const pid_t present = Announcer();
    return present > 0 && present != announcer;
  }));
  ASSERT_EQ(::kill(Announcer(), SIGSTOP), 0);
  device().Capture(2);
  mount().Unmount();
}

TEST_F(AnnounceTest, ItEndsWithADaemonThatIsKilled) {
  device().Set("announce", "1");
  device().Set("state", "start");
  EXPECT_TRUE(WaitUntil([&] { return Announcer() > 0; }));
  const pid_t announcer = Announcer();
  mount().daemon().Signal(SIGKILL);
  EXPECT_EQ(mount().daemon().Wait(), 128 + SIGKILL);
  EXPECT_TRUE(WaitUntil([&] { return !Exists("/proc/" + std::to_string(announcer) + "/exe"); }));
  mount().Abandon();
}

}  // namespace
}  // namespace grabfs::mount_test
