// SPDX-License-Identifier: Apache-2.0
//
// What it promises to programs: fork, threads, settings, how devices are found.
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/mount/libgrabfs_test.h"
#include "tests/mount/support/users.h"

namespace grabfs::mount_test {
namespace {

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
