// SPDX-License-Identifier: Apache-2.0
//
// One file: when its size may change, who pays, and what a device may do to it.
#include "fusefs/alloc/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <vector>

#include "fusefs/alloc/memfd_storage.h"
#include "tests/unit/alloc/error_of.h"

namespace grabfs::alloc {
namespace {

constexpr Caller kAlice = {.uid = 1001, .gid = 1001, .pid = 10};
constexpr Caller kBob = {.uid = 1002, .gid = 1002, .pid = 20};
constexpr File::Handle kNone = File::kNoHandle;

// Memory whose pages become others with each size, as a device's do.
class FixedStorage final : public Storage {
 public:
  [[nodiscard]] int fd() const override { return inner_->bytes() > 0 ? inner_->fd() : -1; }
  [[nodiscard]] uint64_t bytes() const override { return inner_->bytes(); }
  [[nodiscard]] bool resizes_in_place() const override { return false; }
  [[nodiscard]] bool charged_to_caller() const override { return false; }
  void Resize(uint64_t bytes, const Caller& caller) override { inner_->Resize(bytes, caller); }
  [[nodiscard]] bool Idle() override { return idle; }
  [[nodiscard]] std::shared_ptr<Memory> Map() override { return inner_->Map(); }

  bool idle = true;

 private:
  std::unique_ptr<Storage> inner_ = MakeMemfdStorage("fixed");
};

class FileTest : public ::testing::Test {
 protected:
  FileTest() { file_.Adopt(MakeMemfdStorage("test"), "", kAlice); }

  [[nodiscard]] uint64_t Charged(const Caller& who) const { return quota_.Of(who.uid).bytes; }
  [[nodiscard]] std::vector<std::byte> Contents() {
    std::vector<std::byte> data(file_.size());
    EXPECT_EQ(file_.Read(0, data), data.size());
    return data;
  }

  Quota quota_{{.user_bytes = 1 << 20, .total_bytes = 1 << 20, .user_files = 10}};
  bool mapped_ = false;
  File::Surroundings surroundings_{&quota_, [this](uint64_t, const Caller&) { return mapped_; }};
  File file_{&surroundings_, 1, kAlice, 0600};
};

TEST_F(FileTest, TheOwnerPaysForTheSize) {
  file_.Resize(5000, kBob, kNone);
  EXPECT_EQ(Charged(kAlice), 5000U);
  EXPECT_EQ(Charged(kBob), 0U);
  EXPECT_EQ(ErrorOf([&] { file_.Resize(2 << 20, kAlice, kNone); }), EDQUOT);
  EXPECT_EQ(file_.size(), 5000U);
  file_.Resize(10, kAlice, kNone);
  EXPECT_EQ(Charged(kAlice), 10U);
  file_.SetOwner(kBob.uid, std::nullopt);
  EXPECT_EQ(Charged(kAlice), 0U);
  EXPECT_EQ(Charged(kBob), 10U);
}

TEST_F(FileTest, ItsMemoryIsZeroAndAllThere) {
  file_.Resize(100'000, kAlice, kNone);
  EXPECT_EQ(Contents(), std::vector<std::byte>(100'000));
  const auto handle = file_.Opened(kAlice);
  struct stat stat = {};
  ASSERT_EQ(::fstat(file_.backing_fd(), &stat), 0);
  EXPECT_GE(stat.st_blocks * 512, 100'000);
  file_.Closed(handle, true);
}

TEST_F(FileTest, WritesGrow) {
  const std::vector<std::byte> data(100, std::byte{7});
  file_.Write(50, data, kAlice, kNone);
  EXPECT_EQ(file_.size(), 150U);
  EXPECT_EQ(Contents()[49], std::byte{0});
  EXPECT_EQ(Contents()[149], std::byte{7});
  EXPECT_EQ(ErrorOf([&] { file_.Write(UINT64_MAX - 5, data, kAlice, kNone); }), EFBIG);
}

TEST_F(FileTest, WhatAMappingLeavesBehindGrowsNothing) {
  file_.Resize(100, kAlice, kNone);
  const std::vector<std::byte> page(4096, std::byte{7});
  file_.WriteBack(0, page);
  EXPECT_EQ(file_.size(), 100U);
  EXPECT_EQ(Contents(), std::vector<std::byte>(100, std::byte{7}));
  file_.WriteBack(4096, page);
}

TEST_F(FileTest, TheSizeStaysWhileOthersMapIt) {
  const auto own = file_.Opened(kAlice);
  file_.Resize(100, kAlice, own);
  mapped_ = true;
  file_.Resize(200, kAlice, own);  // only Alice has it open: nobody else can have mapped it
  const auto other = file_.Opened(kBob);
  EXPECT_EQ(ErrorOf([&] { file_.Resize(100, kAlice, own); }), EBUSY);
  mapped_ = false;
  file_.Resize(100, kAlice, own);
  mapped_ = true;
  file_.Closed(other, true);  // a mapping made through it may live on
  EXPECT_EQ(ErrorOf([&] { file_.Resize(200, kAlice, own); }), EBUSY);
  file_.Closed(own, true);
  file_.Resize(300, kAlice, kNone);  // nobody has it open or mapped: the memory itself knows
}

TEST_F(FileTest, ADeviceFillsItUndisturbed) {
  EXPECT_EQ(ErrorOf([&] { file_.BeginFill(100); }), ENOSPC);
  file_.Resize(100, kAlice, kNone);
  {
    const auto memory = file_.BeginFill(100);
    memory->bytes()[99] = std::byte{1};
    EXPECT_EQ(ErrorOf([&] { file_.BeginFill(100); }), EBUSY);
    EXPECT_EQ(ErrorOf([&] { file_.Resize(50, kAlice, kNone); }), EBUSY);
    file_.WriteBack(0, std::vector<std::byte>(100, std::byte{9}));  // older than the frame
  }
  file_.WriteBack(50, std::vector<std::byte>(50, std::byte{9}));
  file_.EndFill({{"user.grabfs.sequence", "4"}});
  EXPECT_EQ(Contents()[99], std::byte{1});
  EXPECT_EQ(Contents()[0], std::byte{0});
  EXPECT_EQ(file_.Xattrs().at("user.grabfs.sequence"), "4");
  file_.Resize(50, kAlice, kNone);
}

TEST_F(FileTest, MemoryThatCannotGrowInPlaceChangesOnlyWhileItIsNotOpen) {
  file_.Adopt(std::make_unique<FixedStorage>(), "cam0", kAlice);
  const auto empty = file_.Opened(kAlice);
  EXPECT_EQ(file_.backing_fd(), -1) << "there is nothing yet to go to directly";
  file_.Resize(100, kAlice, empty);
  EXPECT_EQ(file_.backing_fd(), -1) << "nor does that change while it is open";
  file_.Closed(empty, false);
  const auto direct = file_.Opened(kAlice);
  EXPECT_GE(file_.backing_fd(), 0);
  EXPECT_EQ(ErrorOf([&] { file_.Resize(200, kAlice, direct); }), EBUSY);
  file_.Closed(direct, true);
  file_.Resize(200, kAlice, kNone);
}

TEST_F(FileTest, OtherMemoryKeepsTheContents) {
  const std::vector<std::byte> data(5000, std::byte{7});
  file_.Write(0, data, kAlice, kNone);
  file_.Adopt(std::make_unique<FixedStorage>(), "cam0", kAlice);
  EXPECT_EQ(Contents(), data);
  const auto handle = file_.Opened(kBob);
  EXPECT_EQ(ErrorOf([&] { file_.Adopt(MakeMemfdStorage("x"), "", kAlice); }), EBUSY);
  file_.Closed(handle, false);
  file_.Adopt(MakeMemfdStorage("x"), "", kAlice);
  EXPECT_EQ(Contents(), data);
  EXPECT_EQ(Charged(kAlice), 5000U);
}

}  // namespace
}  // namespace grabfs::alloc
