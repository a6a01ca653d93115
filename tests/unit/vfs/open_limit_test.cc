// SPDX-License-Identifier: Apache-2.0
//
// How many files a user may have open: a number each, given back, not for root and the owner.
#include "fusefs/vfs/open_limit.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

constexpr uid_t kOwner = 7;
constexpr uid_t kStranger = 8;
constexpr uid_t kOther = 9;

// errno of one more, which is added to `files`.
int OpenOneMore(OpenLimit& limit, uid_t user, std::vector<std::shared_ptr<void>>& files) {
  try {
    files.push_back(limit.Take(user));
    return 0;
  } catch (const Error& error) {
    return error.code();
  }
}

TEST(OpenLimit, AUserHasSoManyAndNoMore) {
  OpenLimit limit(kOwner);
  std::vector<std::shared_ptr<void>> files;
  for (unsigned i = 0; i < OpenLimit::kFilesOfAUser; ++i) {
    ASSERT_EQ(OpenOneMore(limit, kStranger, files), 0);
  }
  EXPECT_EQ(OpenOneMore(limit, kStranger, files), EDQUOT);
  std::vector<std::shared_ptr<void>> others;
  EXPECT_EQ(OpenOneMore(limit, kOther, others), 0) << "it is a number for each user";
  files.pop_back();
  EXPECT_EQ(OpenOneMore(limit, kStranger, files), 0) << "one was closed";
}

TEST(OpenLimit, RootAndTheOwnerAreNotLimited) {
  OpenLimit limit(kOwner);
  std::vector<std::shared_ptr<void>> files;
  for (const uid_t user : {uid_t{0}, kOwner}) {
    for (unsigned i = 0; i < 2 * OpenLimit::kFilesOfAUser; ++i) {
      ASSERT_EQ(OpenOneMore(limit, user, files), 0);
    }
  }
}

}  // namespace
}  // namespace grabfs
