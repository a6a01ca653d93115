// SPDX-License-Identifier: Apache-2.0
#include "fusefs/alloc/quota.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/alloc/error_of.h"

namespace grabfs::alloc {
namespace {

class QuotaTest : public ::testing::Test {
 protected:
  Quota quota_{{.user_bytes = 100, .total_bytes = 150, .user_files = 2}};
};

TEST_F(QuotaTest, AUserHasALimit) {
  quota_.AddBytes(1, 60);
  EXPECT_EQ(ErrorOf([&] { quota_.AddBytes(1, 41); }), EDQUOT);
  quota_.AddBytes(1, 40);
  EXPECT_EQ(quota_.Of(1).bytes, 100U);
  EXPECT_EQ(quota_.Free(1), 0U);
}

TEST_F(QuotaTest, AllTogetherHaveALimit) {
  quota_.AddBytes(1, 100);
  EXPECT_EQ(quota_.Free(2), 50U);
  EXPECT_EQ(ErrorOf([&] { quota_.AddBytes(2, 51); }), ENOSPC);
  quota_.RemoveBytes(1, 10);
  quota_.AddBytes(2, 51);
  EXPECT_EQ(quota_.Total().bytes, 141U);
}

TEST_F(QuotaTest, FilesAreCounted) {
  quota_.AddFile(1);
  quota_.AddFile(1);
  EXPECT_EQ(ErrorOf([&] { quota_.AddFile(1); }), EDQUOT);
  quota_.RemoveFile(1);
  EXPECT_EQ(ErrorOf([&] { quota_.AddFile(1); }), 0);
}

TEST_F(QuotaTest, ATransferMovesBytesAndFile) {
  quota_.AddFile(1);
  quota_.AddBytes(1, 80);
  quota_.AddFile(2);
  quota_.AddBytes(2, 30);
  EXPECT_EQ(ErrorOf([&] { quota_.Transfer(1, 2, 80); }), EDQUOT);
  quota_.Transfer(1, 3, 80);
  EXPECT_EQ(quota_.Of(1).bytes, 0U);
  EXPECT_EQ(quota_.Of(3).bytes, 80U);
  EXPECT_EQ(quota_.Of(3).files, 1U);
  EXPECT_EQ(quota_.Total().bytes, 110U);
}

TEST_F(QuotaTest, HugeNumbersAreRefusedAndNotWrappedAround) {
  EXPECT_EQ(ErrorOf([&] { quota_.AddBytes(1, UINT64_MAX); }), EDQUOT);
  quota_.AddBytes(1, 1);
  EXPECT_EQ(ErrorOf([&] { quota_.AddBytes(1, UINT64_MAX); }), EDQUOT);
}

}  // namespace
}  // namespace grabfs::alloc
