// SPDX-License-Identifier: Apache-2.0
//
// What a device can say and no real one does at will: a directory of plain files plays it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "fusefs/base/unique_fd.h"
#include "grabfs/grabfs.h"

namespace grabfs {
namespace {

class FilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::canonical(::testing::TempDir()) /
                 ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_ + "/frames");
    std::filesystem::create_directories(directory_ + "/controls");
    ASSERT_EQ(::mkfifo((directory_ + "/events").c_str(), 0600), 0);
    events_.reset(::open((directory_ + "/events").c_str(), O_RDWR | O_NONBLOCK));
    Put("direction", "capture\n");
    Put("buffers_count", "8\n");
    Put("state", "stopped\n");
    Put("status.json", R"({"name": "fake", "sequence": {"newest": 41, "next": 42}})");
  }
  void TearDown() override { grabfs_close(device_); }

  void Put(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ + "/" + name) << text;
  }
  int Open() { return grabfs_open(directory_.c_str(), &device_); }

  std::string directory_;
  UniqueFd events_;
  grabfs_device* device_ = nullptr;
  const grabfs_frame* frame_ = nullptr;
  char text_[64] = {};
};

TEST_F(FilesTest, AFailedDeviceSaysWhy) {
  ASSERT_EQ(Open(), 0) << grabfs_reason();
  EXPECT_STREQ(grabfs_path(device_), "files");
  EXPECT_EQ(grabfs_next(device_, 0, &frame_), -EAGAIN) << grabfs_reason();
  Put("state", "error\n");
  Put("status.json",
      R"({"note": "\"last_error\": \"no\"", "last_error": "the \"cable\"\n is \\ off"})");
  EXPECT_EQ(grabfs_next(device_, -1, &frame_), -EIO);
  EXPECT_EQ(grabfs_reason(), directory_ + ": the \"cable\"  is \\ off");
}

TEST_F(FilesTest, AnUnpluggedDeviceIsGone) {
  ASSERT_EQ(Open(), 0) << grabfs_reason();
  Put("state", "gone\n");
  EXPECT_EQ(grabfs_each(device_, -1, &frame_), -ENODEV);
}

TEST_F(FilesTest, TheEndOfTheEventsIsTheEndOfTheDevice) {
  ASSERT_EQ(Open(), 0) << grabfs_reason();
  events_.reset();
  EXPECT_EQ(grabfs_each(device_, -1, &frame_), -ENODEV);
}

TEST_F(FilesTest, HoldsWhatTheBuffersAllow) {
  for (const auto& [buffers, limit] :
       {std::pair{"1\n", 1}, {"2\n", 1}, {"3\n", 1}, {"4\n", 2}, {"8\n", 6}, {"100\n", 6}}) {
    Put("buffers_count", buffers);
    ASSERT_EQ(Open(), 0) << grabfs_reason();
    EXPECT_EQ(grabfs_hold_limit(device_), limit) << buffers;
    grabfs_close(device_);
    device_ = nullptr;
  }
}

TEST_F(FilesTest, AttributesComeBeforeControls) {
  Put("rate", "30\n");
  Put("controls/rate", "1\n");
  Put("controls/gain", "7\n");
  ASSERT_EQ(Open(), 0) << grabfs_reason();
  int64_t number = 0;
  EXPECT_EQ(grabfs_get_number(device_, "rate", &number), 0);
  EXPECT_EQ(number, 30);
  EXPECT_EQ(grabfs_get_number(device_, "gain", &number), 0);
  EXPECT_EQ(number, 7);
  ASSERT_EQ(grabfs_set_number(device_, "gain", -8), 0) << grabfs_reason();
  EXPECT_EQ(grabfs_get_number(device_, "gain", &number), 0);
  EXPECT_EQ(number, -8);
}

TEST_F(FilesTest, NumbersAreWholeAndFit) {
  ASSERT_EQ(Open(), 0) << grabfs_reason();
  int64_t number = 0;
  Put("rate", "29.97\n");
  EXPECT_EQ(grabfs_get_number(device_, "rate", &number), -EPROTO);
  Put("rate", "9223372036854775808\n");
  EXPECT_EQ(grabfs_get_number(device_, "rate", &number), -ERANGE);
  Put("rate", "\n");
  EXPECT_EQ(grabfs_get_number(device_, "rate", &number), -EPROTO);
  EXPECT_EQ(number, 0);
}

TEST_F(FilesTest, ALongTextIsCutWhereTheRoomEnds) {
  Put("controls/note", std::string(10'000, 'x') + "\n");
  ASSERT_EQ(Open(), 0) << grabfs_reason();
  EXPECT_EQ(grabfs_get(device_, "note", text_, sizeof(text_)), 10'000);
  EXPECT_EQ(text_, std::string(sizeof(text_) - 1, 'x'));
  EXPECT_EQ(grabfs_get(device_, "note", nullptr, 0), 10'000);
}

TEST_F(FilesTest, WhatIsNoDeviceIsNotOpened) {
  EXPECT_EQ(grabfs_open((directory_ + "/frames").c_str(), &device_), -ENODEV);
  EXPECT_EQ(device_, nullptr);
  Put("direction", "output\n");
  EXPECT_EQ(Open(), -EOPNOTSUPP);
  EXPECT_EQ(device_, nullptr);
}

}  // namespace
}  // namespace grabfs
