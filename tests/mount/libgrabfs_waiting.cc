// SPDX-License-Identifier: Apache-2.0
//
// What it promises to who waits, and when all ends.
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "tests/mount/libgrabfs_test.h"

namespace grabfs::mount_test {
namespace {

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

}  // namespace
}  // namespace grabfs::mount_test
