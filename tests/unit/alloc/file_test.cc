// SPDX-License-Identifier: Apache-2.0
//
// One file: when its size may change, who pays, and what a device may do to it.
#include "fusefs/alloc/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "fusefs/alloc/memfd_storage.h"
#include "tests/unit/alloc/error_of.h"
#include "tests/unit/alloc/file_fixture.h"

namespace grabfs::alloc {
namespace {

constexpr File::Handle kNone = File::kNoHandle;

TEST_F(FileTest, TheOwnerPaysForTheSize) {
  EXPECT_EQ(Resize(5000, kBob), 0);
  EXPECT_EQ(Charged(kAlice), 5000U);
  EXPECT_EQ(Charged(kBob), 0U);
  EXPECT_EQ(Resize(2 * kQuota, kAlice), EDQUOT);
  EXPECT_EQ(file_->size(), 5000U);
  EXPECT_EQ(Resize(10, kAlice), 0);
  EXPECT_EQ(Charged(kAlice), 10U);
  file_->SetOwner(kBob.uid, std::nullopt);
  EXPECT_EQ(Charged(kAlice), 0U);
  EXPECT_EQ(Charged(kBob), 10U);
}

TEST_F(FileTest, ItsMemoryIsZeroAndAllThere) {
  ASSERT_EQ(Resize(100'000, kAlice), 0);
  EXPECT_EQ(Contents(), std::vector<std::byte>(100'000));
  const auto handle = file_->Opened(kAlice);
  struct stat stat = {};
  ASSERT_EQ(::fstat(file_->backing_fd(), &stat), 0);
  EXPECT_GE(stat.st_blocks * 512, 100'000);
  file_->Closed(handle, true);
}

TEST_F(FileTest, WritesGrow) {
  const std::vector<std::byte> data(100, std::byte{7});
  EXPECT_EQ(Write(50, data), 0);
  EXPECT_EQ(file_->size(), 150U);
  EXPECT_EQ(Contents()[49], std::byte{0});
  EXPECT_EQ(Contents()[149], std::byte{7});
  EXPECT_EQ(Charged(kAlice), 150U) << "nobody has it open: it has no more than it needs";
  EXPECT_EQ(ErrorOf([&] { Write(UINT64_MAX - 5, data); }), EFBIG);
}

TEST_F(FileTest, WhatAMappingLeavesBehindGrowsNothing) {
  ASSERT_EQ(Resize(100, kAlice), 0);
  const std::vector<std::byte> page(4096, std::byte{7});
  EXPECT_EQ(WriteBack(0, page), 0);
  EXPECT_EQ(file_->size(), 100U);
  EXPECT_EQ(Contents(), std::vector<std::byte>(100, std::byte{7}));
  EXPECT_EQ(WriteBack(4096, page), 0);
}

TEST_F(FileTest, TheSizeStaysWhileOthersMapIt) {
  const auto own = file_->Opened(kAlice);
  ASSERT_EQ(Resize(100, kAlice, own), 0);
  mapped_ = true;
  EXPECT_EQ(Resize(200, kAlice, own), 0);  // nobody else can have mapped it
  const auto other = file_->Opened(kBob);
  EXPECT_EQ(Resize(100, kAlice, own), EBUSY);
  mapped_ = false;
  EXPECT_EQ(Resize(100, kAlice, own), 0);
  mapped_ = true;
  file_->Closed(other, true);  // a mapping made through it may live on
  EXPECT_EQ(Resize(200, kAlice, own), EBUSY);
  file_->Closed(own, true);
  EXPECT_EQ(Resize(300, kAlice, kNone), 0) << "nobody has it open: the memory itself knows";
}

TEST_F(FileTest, ADeviceFillsItUndisturbed) {
  EXPECT_EQ(ErrorOf([&] { (void)file_->BeginFill(100); }), ENOSPC);
  ASSERT_EQ(Resize(100, kAlice), 0);
  const auto filling = file_->BeginFill(100);
  filling->memory()->bytes()[99] = std::byte{1};
  EXPECT_EQ(ErrorOf([&] { (void)file_->BeginFill(100); }), EBUSY);
  EXPECT_EQ(Resize(50, kAlice), EBUSY);
  EXPECT_EQ(WriteBack(0, std::vector<std::byte>(100, std::byte{9})), 0);  // older than the frame
  EXPECT_EQ(Contents()[99], std::byte{1});
  EXPECT_EQ(Contents()[0], std::byte{0});
  filling->End({{"user.grabfs.sequence", "4"}});
  EXPECT_EQ(file_->Xattrs().at("user.grabfs.sequence"), "4");
  EXPECT_EQ(Resize(50, kAlice), 0);
}

// Whoever was to fill it may never have begun.
TEST_F(FileTest, AnOrderThatComesToNothingLeavesItFree) {
  ASSERT_EQ(Resize(100, kAlice), 0);
  file_->BeginFill(100).reset();
  EXPECT_FALSE(file_->InUse());
  EXPECT_EQ(Resize(50, kAlice), 0);
}

TEST_F(FileTest, MemoryThatCannotGrowInPlaceChangesOnlyWhileItIsNotOpen) {
  ASSERT_EQ(Adopt(std::make_shared<FixedStorage>(), "cam0"), 0);
  const auto empty = file_->Opened(kAlice);
  EXPECT_EQ(file_->backing_fd(), -1) << "there is nothing yet to go to directly";
  ASSERT_EQ(Resize(100, kAlice, empty), 0);
  EXPECT_EQ(file_->backing_fd(), -1) << "nor does that change while it is open";
  file_->Closed(empty, false);
  const auto direct = file_->Opened(kAlice);
  EXPECT_GE(file_->backing_fd(), 0);
  EXPECT_EQ(Resize(200, kAlice, direct), EBUSY);
  file_->Closed(direct, true);
  EXPECT_EQ(Resize(200, kAlice), 0);
  EXPECT_EQ(Reserve(300), EOPNOTSUPP);
}

TEST_F(FileTest, OtherMemoryKeepsTheContents) {
  const std::vector<std::byte> data(5000, std::byte{7});
  ASSERT_EQ(Write(0, data), 0);
  ASSERT_EQ(Adopt(std::make_shared<FixedStorage>(), "cam0"), 0);
  EXPECT_EQ(file_->info().device, "cam0");
  EXPECT_EQ(Contents(), data);
  const auto handle = file_->Opened(kBob);
  EXPECT_EQ(Adopt(MakeMemfdStorage("x"), ""), EBUSY);
  EXPECT_EQ(file_->info().device, "cam0");
  file_->Closed(handle, false);
  ASSERT_EQ(Adopt(MakeMemfdStorage("x"), ""), 0);
  EXPECT_EQ(Contents(), data);
  EXPECT_EQ(Charged(kAlice), 5000U);
}

}  // namespace
}  // namespace grabfs::alloc
