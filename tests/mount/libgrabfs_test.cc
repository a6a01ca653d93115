// SPDX-License-Identifier: Apache-2.0
//
// What grabfs/grabfs.h promises of frames, on real mounts, over the ring and over files alike.
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tests/mount/libgrabfs_test.h"

namespace grabfs::mount_test {
namespace {

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

}  // namespace
}  // namespace grabfs::mount_test
