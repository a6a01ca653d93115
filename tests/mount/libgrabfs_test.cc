// SPDX-License-Identifier: Apache-2.0
//
// What grabfs/grabfs.h promises, on real mounts, over the ring and over files alike.
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "grabfs/grabfs.h"
#include "tests/mount/support/fixture.h"
#include "tests/mount/support/users.h"

namespace grabfs::mount_test {
namespace {

constexpr int64_t kLong = 30'000'000'000;
constexpr int64_t kShort = 20'000'000;

class LibgrabfsTest : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (!IsSkipped()) Open();
  }
  void TearDown() override { Close(); }

  void Open() {
    Close();
    ASSERT_EQ(grabfs_open(mount().Path("sim0").c_str(), &camera_), 0) << grabfs_reason();
  }
  void Close() {
    grabfs_close(camera_);
    camera_ = nullptr;
  }

  [[nodiscard]] static bool HasRing() { return ActiveDataPath() == DataPath::kPassthrough; }
  static std::span<const std::byte> Pixels(const grabfs_frame* frame) {
    return {static_cast<const std::byte*>(frame->data), frame->bytes};
  }
  [[nodiscard]] bool IsFrame(const grabfs_frame* frame, uint64_t sequence) const {
    return frame != nullptr && frame->sequence == sequence &&
           picture_.IsFrame(Pixels(frame), sequence);
  }

  [[nodiscard]] bool IsReadable() const {
    pollfd readable = {.fd = grabfs_fd(camera_), .events = POLLIN, .revents = 0};
    return ::poll(&readable, 1, 0) == 1;
  }

  grabfs_device* camera_ = nullptr;
  const grabfs_frame* frame_ = nullptr;
};

TEST_F(LibgrabfsTest, TakesTheRingWhereThereIsOne) {
  EXPECT_STREQ(grabfs_path(camera_), HasRing() ? "ring" : "files");
  EXPECT_EQ(grabfs_directory(camera_), mount().Path("sim0"));
}

TEST_F(LibgrabfsTest, NewestIsTheNewestAgainAndAgain) {
  EXPECT_EQ(grabfs_newest(camera_, 0, &frame_), -EAGAIN);
  EXPECT_EQ(frame_, nullptr);
  const uint64_t sequence = device().Capture(3);
  for (int again = 0; again < 2; ++again) {
    ASSERT_EQ(grabfs_newest(camera_, 0, &frame_), 0) << grabfs_reason();
    EXPECT_TRUE(IsFrame(frame_, sequence));
    grabfs_release(frame_);
  }
}

TEST_F(LibgrabfsTest, NextSkipsToTheNewest) {
  device().Capture(2);
  Open();
  EXPECT_EQ(grabfs_next(camera_, 0, &frame_), -EAGAIN) << "they are older than the opening";
  const uint64_t sequence = device().Capture(3);
  ASSERT_EQ(grabfs_next(camera_, 0, &frame_), 0) << grabfs_reason();
  EXPECT_TRUE(IsFrame(frame_, sequence));
  EXPECT_EQ(frame_->missed, 2U);
  grabfs_release(frame_);
  EXPECT_EQ(grabfs_next(camera_, 0, &frame_), -EAGAIN);
  EXPECT_EQ(grabfs_next(camera_, kShort, &frame_), -ETIMEDOUT);
}

TEST_F(LibgrabfsTest, EachSkipsNone) {
  const uint64_t last = device().Capture(3);
  ASSERT_EQ(grabfs_seek(camera_, 0), 0);
  for (uint64_t sequence = 0; sequence <= last; ++sequence) {
    ASSERT_EQ(grabfs_each(camera_, 0, &frame_), 0) << grabfs_reason();
    EXPECT_TRUE(IsFrame(frame_, sequence));
    EXPECT_EQ(frame_->missed, 0U);
    grabfs_release(frame_);
  }
  EXPECT_EQ(grabfs_each(camera_, 0, &frame_), -EAGAIN);
}

TEST_F(LibgrabfsTest, AFrameIsHeldUntilItIsReleased) {
  const uint64_t sequence = device().Capture(1);
  ASSERT_EQ(grabfs_newest(camera_, 0, &frame_), 0);
  device().Capture(3 * kBuffers);
  EXPECT_TRUE(IsFrame(frame_, sequence));
  EXPECT_TRUE(Exists(device().Frame(sequence)));
  grabfs_release(frame_);
  EXPECT_TRUE(device().IsRecycled(sequence));
}

TEST_F(LibgrabfsTest, AFrameOutlivesItsDevice) {
  const uint64_t sequence = device().Capture(1);
  ASSERT_EQ(grabfs_newest(camera_, 0, &frame_), 0);
  Close();
  device().Capture(3 * kBuffers);
  EXPECT_TRUE(IsFrame(frame_, sequence));
  EXPECT_TRUE(Exists(device().Frame(sequence)));
  grabfs_release(frame_);
  EXPECT_TRUE(device().IsRecycled(sequence));
}

// --- Frames

TEST_F(LibgrabfsTest, AFrameSaysWhatItIs) {
  const uint64_t sequence = device().Capture(1);
  ASSERT_EQ(grabfs_newest(camera_, 0, &frame_), 0);
  const std::string file = device().Frame(sequence);
  EXPECT_EQ(frame_->bytes, picture_.bytes());
  EXPECT_EQ(frame_->fourcc, uint32_t{'G' | 'R' << 8 | 'E' << 16 | 'Y' << 24});
  EXPECT_EQ(frame_->width, kWidth);
  EXPECT_EQ(frame_->height, kHeight);
  EXPECT_EQ(frame_->stride, kWidth);
  EXPECT_EQ(frame_->planes, 1U);
  EXPECT_EQ(std::to_string(frame_->timestamp_ns), Xattr(file, "timestamp_ns"));
  EXPECT_EQ(std::to_string(frame_->flags), Xattr(file, "flags"));
  const struct stat status = Stat(file);
  EXPECT_EQ(frame_->realtime_ns, static_cast<uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
                                     static_cast<uint64_t>(status.st_mtim.tv_nsec));
  grabfs_release(frame_);
}

TEST_F(LibgrabfsTest, PlanesLieWhereTheFormatHasThem) {
  Close();
  Start({{"sim0=pattern,format=NV12,width=64,height=32,rate=0,buffers=4,state=stopped"}, {}});
  Open();
  device().Capture(1);
  ASSERT_EQ(grabfs_newest(camera_, 0, &frame_), 0);
  ASSERT_EQ(frame_->planes, 2U);
  EXPECT_EQ(frame_->plane[1].offset, 64U * 32);
  EXPECT_EQ(frame_->plane[1].stride, 64U);
  EXPECT_EQ(frame_->plane[1].rows, 16U);
  EXPECT_EQ(frame_->bytes, 64U * 32 * 3 / 2);
  grabfs_release(frame_);
}

TEST_F(LibgrabfsTest, WhoHoldsTooMuchIsTold) {
  const int limit = grabfs_hold_limit(camera_);
  ASSERT_EQ(limit, static_cast<int>(kBuffers) - 2);
  std::vector<const grabfs_frame*> held;
  for (int count = 0; count < limit; ++count) {
    device().Capture(1);
    ASSERT_EQ(grabfs_next(camera_, 0, &held.emplace_back()), 0) << grabfs_reason();
  }
  const uint64_t sequence = device().Capture(1);
  EXPECT_EQ(grabfs_next(camera_, kLong, &frame_), -EDQUOT);
  EXPECT_EQ(frame_, nullptr);
  EXPECT_NE(std::string(grabfs_reason()).find("release"), std::string::npos);
  grabfs_release(held.front());
  ASSERT_EQ(grabfs_next(camera_, 0, &frame_), 0) << grabfs_reason();
  EXPECT_TRUE(IsFrame(frame_, sequence));
  grabfs_release(frame_);
  for (const grabfs_frame* frame : std::span(held).subspan(1)) grabfs_release(frame);
}

TEST_F(LibgrabfsTest, TheLimitFollowsTheNumberOfBuffers) {
  for (const int buffers : {8, 5}) {
    device().Set("buffers_count", std::to_string(buffers));
    device().Capture(1);
    ASSERT_EQ(grabfs_newest(camera_, 0, &frame_), 0) << grabfs_reason();
    grabfs_release(frame_);
    EXPECT_EQ(grabfs_hold_limit(camera_), buffers - 2);
  }
}

TEST_F(LibgrabfsTest, WhatWasDroppedIsTold) {
  device().Capture(kBuffers);
  std::vector<UniqueFd> others;
  for (const uint64_t name : device().Frames()) {
    others.push_back(mount_test::Open(device().Frame(name), O_RDONLY));
  }
  Open();
  const uint64_t last = device().Capture(3);
  others.clear();
  // That the others have let go is known a moment later.
  while (grabfs_each(camera_, kShort, &frame_) == -ETIMEDOUT) device().Capture(1);
  ASSERT_NE(frame_, nullptr) << grabfs_reason();
  EXPECT_GT(frame_->sequence, last);
  EXPECT_EQ(frame_->missed, frame_->sequence - kBuffers);
  EXPECT_EQ(frame_->dropped, frame_->missed);
  grabfs_release(frame_);
}

TEST_F(LibgrabfsTest, AnUnlinkedFrameIsNoNews) {
  device().Capture(2);
  ASSERT_EQ(grabfs_next(camera_, 0, &frame_), 0);
  ASSERT_EQ(ErrorOf(::unlink(device().Frame(frame_->sequence).c_str())), 0);
  grabfs_release(frame_);
  EXPECT_EQ(grabfs_next(camera_, 0, &frame_), -EAGAIN);
  ASSERT_EQ(grabfs_newest(camera_, 0, &frame_), 0);
  EXPECT_TRUE(IsFrame(frame_, 0));
  grabfs_release(frame_);
}

// --- Each frame

TEST_F(LibgrabfsTest, TheRingKeepsFramesForWhoWantsEach) {
  if (!HasRing()) GTEST_SKIP() << "no ring here";
  ASSERT_EQ(grabfs_each(camera_, 0, &frame_), -EAGAIN);
  const uint64_t last = device().Capture(3 * kBuffers);
  for (uint64_t sequence = 0; sequence < kBuffers - 2; ++sequence) {
    ASSERT_EQ(grabfs_each(camera_, 0, &frame_), 0) << grabfs_reason();
    EXPECT_TRUE(IsFrame(frame_, sequence));
    EXPECT_EQ(frame_->missed, 0U);
    grabfs_release(frame_);
  }
  ASSERT_EQ(grabfs_each(camera_, 0, &frame_), 0) << grabfs_reason();
  EXPECT_EQ(frame_->sequence, last - 1);
  EXPECT_EQ(frame_->missed, last - 1 - (kBuffers - 2));
  grabfs_release(frame_);
}

TEST_F(LibgrabfsTest, NothingIsKeptForWhoSkips) {
  if (!HasRing()) GTEST_SKIP() << "no ring here";
  ASSERT_EQ(grabfs_each(camera_, 0, &frame_), -EAGAIN);
  ASSERT_EQ(grabfs_next(camera_, 0, &frame_), -EAGAIN);
  device().Capture(3 * kBuffers);
  EXPECT_FALSE(Exists(device().Frame(0)));
}

// Each number is given, or counted as missed.
TEST_F(LibgrabfsTest, ASlowReaderIsToldOfAllThatItMissed) {
  device().Set("rate", "500");
  ASSERT_EQ(grabfs_start(camera_), 0) << grabfs_reason();
  uint64_t next = 0;
  for (int count = 0; count < 60; ++count) {
    ASSERT_EQ(grabfs_each(camera_, kLong, &frame_), 0) << grabfs_reason();
    EXPECT_EQ(frame_->sequence, next + frame_->missed);
    EXPECT_TRUE(IsFrame(frame_, frame_->sequence));
    next = frame_->sequence + 1;
    if (count % 4 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_TRUE(IsFrame(frame_, frame_->sequence));
    grabfs_release(frame_);
  }
}

// --- Waiting

TEST_F(LibgrabfsTest, AWaiterIsWokenByTheFrame) {
  for (auto* const next : {grabfs_newest, grabfs_next, grabfs_each}) {
    Open();
    for (const uint64_t name : device().Frames()) ::unlink(device().Frame(name).c_str());
    Child child([this](const Child::Parent& parent) {
      parent.Await();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      device().Capture(1);
      return 0;
    });
    child.Tell();
    ASSERT_EQ(next(camera_, kLong, &frame_), 0) << grabfs_reason();
    EXPECT_TRUE(IsFrame(frame_, frame_->sequence));
    grabfs_release(frame_);
    EXPECT_EQ(child.Wait(), 0);
  }
}

TEST_F(LibgrabfsTest, TheDescriptorIsReadableWhenThereIsNews) {
  ASSERT_GE(grabfs_fd(camera_), 0) << grabfs_reason();
  EXPECT_EQ(grabfs_next(camera_, 0, &frame_), -EAGAIN);
  EXPECT_FALSE(IsReadable());
  for (int again = 0; again < 3; ++again) {
    const uint64_t sequence = device().Capture(2);
    EXPECT_TRUE(IsReadable());
    ASSERT_EQ(grabfs_next(camera_, 0, &frame_), 0) << grabfs_reason();
    EXPECT_TRUE(IsFrame(frame_, sequence));
    grabfs_release(frame_);
    EXPECT_EQ(grabfs_next(camera_, 0, &frame_), -EAGAIN);
    EXPECT_TRUE(WaitUntil([&] {
      // A change of state may follow its last frame.
      return grabfs_next(camera_, 0, &frame_) == -EAGAIN && !IsReadable();
    }));
  }
}

TEST_F(LibgrabfsTest, EveryFrameIsSeenByWhoPolls) {
  ASSERT_GE(grabfs_fd(camera_), 0) << grabfs_reason();
  device().Set("rate", "300");
  ASSERT_EQ(grabfs_start(camera_), 0);
  uint64_t next = 0;
  while (next < 100) {
    pollfd readable = {.fd = grabfs_fd(camera_), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&readable, 1, 30'000), 1) << "behind frame " << next;
    while (grabfs_each(camera_, 0, &frame_) == 0) {
      next = frame_->sequence + 1;
      grabfs_release(frame_);
    }
  }
}

void Ignore(int /*signal*/) {}

TEST_F(LibgrabfsTest, ASignalEndsTheWaiting) {
  for (const int flags : {0, SA_RESTART}) {
    struct sigaction action = {};
    action.sa_handler = Ignore;
    action.sa_flags = flags;
    ASSERT_EQ(::sigaction(SIGALRM, &action, nullptr), 0);
    const itimerval often = {.it_interval = {0, 20'000}, .it_value = {0, 20'000}};
    ASSERT_EQ(::setitimer(ITIMER_REAL, &often, nullptr), 0);
    // It may come before the sleep, which goes on until it comes again.
    const int result = grabfs_next(camera_, kLong, &frame_);
    const itimerval never = {};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    EXPECT_EQ(result, -EINTR);
  }
  ::signal(SIGALRM, SIG_DFL);
  device().Capture(1);
  EXPECT_EQ(grabfs_next(camera_, 0, &frame_), 0) << "nothing was lost";
  grabfs_release(frame_);
}

TEST_F(LibgrabfsTest, AnotherThreadEndsTheWaiting) {
  for (int again = 0; again < 3; ++again) {
    std::thread other([this] { grabfs_interrupt(camera_); });
    // Before the wait or during it: it ends.
    EXPECT_EQ(grabfs_next(camera_, kLong, &frame_), -EINTR);
    other.join();
    EXPECT_EQ(grabfs_next(camera_, kShort, &frame_), -ETIMEDOUT) << "once";
  }
  device().Capture(1);
  EXPECT_EQ(grabfs_next(camera_, 0, &frame_), 0) << "nothing was lost";
  grabfs_release(frame_);
}

TEST_F(LibgrabfsTest, AnInterruptionWaitsForWhoWouldWait) {
  grabfs_interrupt(camera_);
  grabfs_interrupt(camera_);
  EXPECT_EQ(grabfs_next(camera_, 0, &frame_), -EAGAIN) << "it does not wait";
  device().Capture(1);
  EXPECT_EQ(grabfs_next(camera_, kLong, &frame_), 0) << "nor does this";
  grabfs_release(frame_);
  device().Set("width", "64");
  EXPECT_EQ(grabfs_next(camera_, kLong, &frame_), -EINTR);
  EXPECT_EQ(grabfs_next(camera_, kShort, &frame_), -ETIMEDOUT) << "two are one";
}

// --- Changes

TEST_F(LibgrabfsTest, AChangeOfFormatShowsInTheNextFrame) {
  const uint64_t sequence = device().Capture(1);
  ASSERT_EQ(grabfs_each(camera_, 0, &frame_), 0);
  ASSERT_EQ(grabfs_set_number(camera_, "width", 64), 0) << grabfs_reason();
  ASSERT_EQ(grabfs_set_number(camera_, "buffers_count", 6), 0) << grabfs_reason();
  const grabfs_frame* next = nullptr;
  EXPECT_EQ(grabfs_each(camera_, 0, &next), -EAGAIN);
  const uint64_t newer = device().Capture(2);
  for (const uint64_t wanted : {newer - 1, newer}) {
    ASSERT_EQ(grabfs_each(camera_, 0, &next), 0) << grabfs_reason();
    EXPECT_EQ(next->width, 64U);
    EXPECT_EQ(next->missed, 0U);
    EXPECT_TRUE(Picture(kFormat, 64, kHeight).IsFrame(Pixels(next), wanted));
    grabfs_release(next);
  }
  EXPECT_STREQ(grabfs_path(camera_), HasRing() ? "ring" : "files");
  EXPECT_TRUE(IsFrame(frame_, sequence)) << "of the old format, and held";
  EXPECT_EQ(frame_->width, kWidth);
  grabfs_release(frame_);
}

TEST_F(LibgrabfsTest, AWaiterSeesTheFirstFrameOfAnotherFormat) {
  Child child([this](const Child::Parent& parent) {
    parent.Await();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    device().Set("height", "64");
    device().Capture(1);
    return 0;
  });
  child.Tell();
  ASSERT_EQ(grabfs_next(camera_, kLong, &frame_), 0) << grabfs_reason();
  EXPECT_EQ(frame_->height, 64U);
  grabfs_release(frame_);
}

TEST_F(LibgrabfsTest, WithTheLastFrameOfAnOldRingItsPageGoes) {
  device().Capture(1);
  for (const char* width : {"64", "96", "128", "160"}) {
    const grabfs_frame* next = nullptr;
    ASSERT_EQ(grabfs_newest(camera_, 0, &next), 0) << grabfs_reason();
    device().Set("width", width);
    EXPECT_EQ(grabfs_newest(camera_, 0, &frame_), -EAGAIN);
    device().Capture(1);
    grabfs_release(next);
  }
  const std::string maps = ReadText("/proc/self/maps");
  size_t pages = 0;
  for (size_t at = maps.find("/readers/"); at != std::string::npos;
       at = maps.find("/readers/", at + 1)) {
    ++pages;
  }
  EXPECT_LE(pages, HasRing() ? 1U : 0U) << maps;
}

// --- Ends

TEST_F(LibgrabfsTest, AnEndedMountIsNoDevice) {
  device().Capture(1);
  const grabfs_frame* held = nullptr;
  ASSERT_EQ(grabfs_newest(camera_, 0, &held), 0);
  mount().daemon().Signal(SIGTERM);
  EXPECT_EQ(grabfs_next(camera_, kLong, &frame_), -ENODEV);
  EXPECT_EQ(frame_, nullptr);
  grabfs_release(held);
  Close();
  mount().Abandon();
}

TEST_F(LibgrabfsTest, AKilledDaemonIsNoticed) {
  const uint64_t sequence = device().Capture(1);
  const grabfs_frame* held = nullptr;
  ASSERT_EQ(grabfs_newest(camera_, 0, &held), 0);
  mount().daemon().Signal(SIGKILL);
  EXPECT_EQ(grabfs_next(camera_, GRABFS_FOR_EVER, &frame_), -ENOTCONN);
  EXPECT_TRUE(IsFrame(held, sequence));
  grabfs_release(held);
  mount().Abandon();
}

TEST_F(LibgrabfsTest, AKilledDaemonIsNoticedByWhoWaitsForShort) {
  for (const int64_t timeout : {int64_t{0}, kShort}) {
    Close();
    Start({{kDevice}, {}});
    Open();
    mount().daemon().Signal(SIGKILL);
    EXPECT_TRUE(WaitUntil([&] { return grabfs_next(camera_, timeout, &frame_) == -ENOTCONN; }));
    mount().Abandon();
  }
}

// --- fork()

TEST_F(LibgrabfsTest, AChildHasNothingOfItsParents) {
  const uint64_t sequence = device().Capture(1);
  ASSERT_EQ(grabfs_newest(camera_, 0, &frame_), 0);
  Child child([&](const Child::Parent& parent) {
    const grabfs_frame* other = nullptr;
    char text[16];
    if (grabfs_newest(camera_, 0, &other) != -ECHILD || grabfs_seek(camera_, 0) != -ECHILD)
      return 1;
    if (grabfs_fd(camera_) != -ECHILD || grabfs_start(camera_) != -ECHILD) return 2;
    if (grabfs_get(camera_, "rate", text, sizeof(text)) != -ECHILD) return 3;
    if (!IsFrame(frame_, sequence)) return 4;
    grabfs_release(frame_);
    Close();
    parent.Tell();
    parent.Await();
    // A device of its own.
    if (grabfs_open(mount().Path("sim0").c_str(), &camera_) != 0) return 5;
    if (grabfs_newest(camera_, 0, &other) != 0 || !IsFrame(other, other->sequence)) return 6;
    grabfs_release(other);
    parent.Tell();
    parent.Await();
    return 0;
  });
  child.Await();
  device().Capture(3 * kBuffers);
  EXPECT_TRUE(Exists(device().Frame(sequence))) << "the parent's hold";
  EXPECT_TRUE(IsFrame(frame_, sequence));
  child.Tell();
  child.Await();
  grabfs_release(frame_);
  EXPECT_TRUE(device().IsRecycled(sequence)) << "though the child lives";
  child.Tell();
  EXPECT_EQ(child.Wait(), 0);
  const uint64_t newer = device().Capture(1);
  ASSERT_EQ(grabfs_next(camera_, 0, &frame_), 0) << grabfs_reason();
  EXPECT_TRUE(IsFrame(frame_, newer));
  grabfs_release(frame_);
}

// --- Threads

// One thread takes frames, others look at them and release them, also when the device is closed.
TEST_F(LibgrabfsTest, AnyThreadMayRelease) {
  device().Set("buffers_count", "8");
  device().Set("rate", "1000");
  Open();
  ASSERT_EQ(grabfs_start(camera_), 0) << grabfs_reason();
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<const grabfs_frame*> queue;
  bool done = false;
  std::atomic<int> torn = 0;
  const auto release_frames = [&] {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return done || !queue.empty(); });
      if (queue.empty()) return;
      const grabfs_frame* const frame = queue.front();
      queue.pop_front();
      lock.unlock();
      torn += IsFrame(frame, frame->sequence) ? 0 : 1;
      grabfs_release(frame);
      lock.lock();
    }
  };
  std::vector<std::thread> threads;
  for (int count = 0; count < 3; ++count) threads.emplace_back(release_frames);
  for (int count = 0; count < 300;) {
    const grabfs_frame* frame = nullptr;
    const int result = grabfs_each(camera_, kLong, &frame);
    if (result == -EDQUOT) {
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ(result, 0) << grabfs_reason();
    ++count;
    const std::lock_guard lock(mutex);
    queue.push_back(frame);
    changed.notify_one();
  }
  Close();
  {
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(torn, 0);
  device().Stop();
}

// One thread waits for frames; another triggers each of them, and changes the device between.
TEST_F(LibgrabfsTest, AnyThreadMayTriggerAndSet) {
  constexpr int kCaptures = 12;
  std::atomic<int> seen = 0;
  std::thread waiting([&] {
    while (seen < kCaptures) {
      const grabfs_frame* frame = nullptr;
      if (grabfs_next(camera_, kLong, &frame) != 0) break;
      grabfs_release(frame);
      ++seen;
    }
  });
  for (int count = 0; count < kCaptures; ++count) {
    EXPECT_EQ(grabfs_set_number(camera_, "width", 64 + 2 * count), 0) << grabfs_reason();
    EXPECT_EQ(grabfs_capture(camera_, 1), 0) << grabfs_reason();
    EXPECT_TRUE(WaitUntil([&] { return seen > count; }));
  }
  waiting.join();
  EXPECT_EQ(seen, kCaptures);
}

TEST_F(LibgrabfsTest, EachThreadHasItsReason) {
  EXPECT_EQ(grabfs_set(camera_, "width", "3"), -EINVAL);
  const std::string mine = grabfs_reason();
  std::thread([this] { EXPECT_EQ(grabfs_set(camera_, "nothing", "3"), -ENOENT); }).join();
  EXPECT_EQ(grabfs_reason(), mine);
}

// --- Attributes and controls

TEST_F(LibgrabfsTest, AttributesAreReadAndWritten) {
  char text[64];
  ASSERT_EQ(grabfs_set(camera_, "rate", "25"), 0) << grabfs_reason();
  EXPECT_EQ(grabfs_get(camera_, "rate", text, sizeof(text)), 2);
  EXPECT_STREQ(text, "25");
  int64_t number = 0;
  ASSERT_EQ(grabfs_get_number(camera_, "width", &number), 0) << grabfs_reason();
  EXPECT_EQ(number, kWidth);
  EXPECT_EQ(grabfs_get_number(camera_, "format", &number), -EPROTO);
  EXPECT_EQ(grabfs_get(camera_, "format", text, 3), 4) << "its length, though there is no room";
  EXPECT_STREQ(text, "GR");
  EXPECT_GT(grabfs_get(camera_, "status.json", text, sizeof(text)), 64);
  EXPECT_EQ(text[0], '{');
}

TEST_F(LibgrabfsTest, RefusalsSayWhy) {
  char text[64];
  EXPECT_EQ(grabfs_set(camera_, "width", "3"), -EINVAL);
  EXPECT_NE(std::string(grabfs_reason()).find(device().LastError()), std::string::npos);
  EXPECT_EQ(grabfs_set(camera_, "stride", "3"), -EACCES);
  for (const char* name : {"nothing", "", "../sim0/rate", "frames"}) {
    EXPECT_LT(grabfs_get(camera_, name, text, sizeof(text)), 0) << name;
  }
  EXPECT_EQ(grabfs_get(camera_, "nothing", text, sizeof(text)), -ENOENT);
  ASSERT_EQ(grabfs_start(camera_), 0);
  EXPECT_EQ(grabfs_set(camera_, "width", "64"), -EBUSY);
  EXPECT_EQ(grabfs_capture(camera_, 1), -EBUSY);
}

TEST_F(LibgrabfsTest, CapturesAndStreams) {
  ASSERT_EQ(grabfs_capture(camera_, 2), 0) << grabfs_reason();
  for (uint64_t sequence = 0; sequence < 2; ++sequence) {
    ASSERT_EQ(grabfs_each(camera_, kLong, &frame_), 0) << grabfs_reason();
    EXPECT_TRUE(IsFrame(frame_, sequence));
    grabfs_release(frame_);
  }
  ASSERT_EQ(grabfs_start(camera_), 0) << grabfs_reason();
  ASSERT_EQ(grabfs_next(camera_, kLong, &frame_), 0) << grabfs_reason();
  grabfs_release(frame_);
  ASSERT_EQ(grabfs_stop(camera_), 0) << grabfs_reason();
  EXPECT_TRUE(WaitUntil([&] { return device().Get("state") == "stopped"; }));
}

// --- Opening

TEST_F(LibgrabfsTest, DevicesAreFoundByTheirNames) {
  Close();
  Start({{kDevice, "sim1=pattern,width=64,height=64"}, {}});
  Child child([this](const Child::Parent& /*parent*/) {
    grabfs_device* found = nullptr;
    ::setenv("GRABFS_MOUNT", mount().path().c_str(), 1);
    if (grabfs_open("sim1", &found) != 0 || grabfs_directory(found) != mount().Path("sim1"))
      return 1;
    grabfs_close(found);
    if (grabfs_open(nullptr, &found) != -ENOTUNIQ || found != nullptr) return 2;
    if (grabfs_open("sim2", &found) != -ENODEV) return 3;
    if (grabfs_open("alloc", &found) != -ENODEV) return 4;
    if (grabfs_open("/tmp", &found) != -ENODEV) return 5;
    if (grabfs_open("/nowhere/sim0", &found) != -ENODEV) return 6;
    ::setenv("GRABFS_MOUNT", "/nowhere", 1);
    return grabfs_open("sim0", &found) == -ENODEV ? 0 : 7;
  });
  EXPECT_EQ(child.Wait(), 0);
}

// In a mount namespace in which there are no others.
TEST_F(LibgrabfsTest, TheOnlyDeviceOfTheOnlyMountNeedsNoName) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has mount namespaces";
  const std::string ours = mount().path();
  const std::string other = MakeScratchDirectory("libgrabfs");
  Child child([&](const Child::Parent& /*parent*/) {
    if (::unshare(CLONE_NEWNS) != 0) return 1;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 2;
    RunShell("for m in $(awk '$3 == \"fuse.grabfs\" && $2 != \"" + ours +
             "\" { print $2 }' /proc/self/mounts); do umount -l $m; done");
    ::unsetenv("GRABFS_MOUNT");
    grabfs_device* found = nullptr;
    if (grabfs_open(nullptr, &found) != 0) return 3;
    if (grabfs_directory(found) != ours + "/sim0") return 4;
    grabfs_close(found);
    if (::mount(ours.c_str(), other.c_str(), nullptr, MS_BIND, nullptr) != 0) return 5;
    if (grabfs_open(nullptr, &found) != -ENOTUNIQ) return 6;
    ::umount2(ours.c_str(), MNT_DETACH);
    ::umount2(other.c_str(), MNT_DETACH);
    return grabfs_open(nullptr, &found) == -ENODEV ? 0 : 7;
  });
  EXPECT_EQ(child.Wait(), 0);
}

TEST_F(LibgrabfsTest, AnOutputDeviceHasNoFrames) {
  const std::string screen = MakeScratchDirectory("libgrabfs") + "/screen.y4m";
  Close();
  Start({{"out0=display:" + screen + ",format=GREY,width=64,height=64"}, {}});
  grabfs_device* found = nullptr;
  EXPECT_EQ(grabfs_open(mount().Path("out0").c_str(), &found), -EOPNOTSUPP);
}

// Whoever cannot make a hold page takes files.
TEST_F(LibgrabfsTest, AMountForReadingOnlyDoes) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root mounts";
  const std::string view = MakeScratchDirectory("libgrabfs");
  ASSERT_EQ(ErrorOf(::mount(mount().path().c_str(), view.c_str(), nullptr, MS_BIND, nullptr)), 0);
  ASSERT_EQ(
      ErrorOf(::mount(nullptr, view.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr)),
      0);
  grabfs_device* reader = nullptr;
  ASSERT_EQ(grabfs_open((view + "/sim0").c_str(), &reader), 0) << grabfs_reason();
  EXPECT_STREQ(grabfs_path(reader), "files");
  const uint64_t sequence = device().Capture(3);
  ASSERT_EQ(grabfs_next(reader, kLong, &frame_), 0) << grabfs_reason();
  EXPECT_TRUE(IsFrame(frame_, sequence));
  grabfs_release(frame_);
  EXPECT_EQ(grabfs_capture(reader, 1), -EROFS);
  grabfs_close(reader);
  EXPECT_EQ(ErrorOf(::umount2(view.c_str(), 0)), 0);
}

TEST_F(LibgrabfsTest, AStrangerHasHisShare) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become other users";
  Close();
  Start({{kDevice}, {"allow_other", "hold_limit=40%"}});
  const unsigned share = kBuffers * 40 / 100;
  device().Capture(kBuffers);
  const int status = RunAs(kStranger, [&] {
    grabfs_device* camera = nullptr;
    if (grabfs_open(mount().Path("sim0").c_str(), &camera) != 0) return 1;
    if (std::string(grabfs_path(camera)) != (HasRing() ? "ring" : "files")) return 2;
    const int limit = grabfs_hold_limit(camera);
    // A page of the ring gets half of the share: another program of this user may want the rest.
    if (limit < 1 || limit > static_cast<int>(share)) return 5;
    if (!HasRing() && limit != static_cast<int>(share)) return 6;
    grabfs_seek(camera, 0);
    unsigned held = 0;
    int result = 0;
    while ((result = grabfs_each(camera, 0, &frame_)) == 0) ++held;
    if (result != -EDQUOT || held != static_cast<unsigned>(limit)) return 3;
    return grabfs_set(camera, "rate", "1") == -EACCES ? 0 : 4;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace grabfs::mount_test
