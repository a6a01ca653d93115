// SPDX-License-Identifier: Apache-2.0
#include "fusefs/base/policy.h"

#include <gtest/gtest.h>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

TEST(Policy, NamesRoundTrip) {
  EXPECT_EQ(PolicyName(Policy::kKeepNewest), "keep-newest");
  EXPECT_EQ(PolicyName(Policy::kKeepOldest), "keep-oldest");
  EXPECT_EQ(ParsePolicy("keep-newest"), Policy::kKeepNewest);
  EXPECT_EQ(ParsePolicy("keep-oldest"), Policy::kKeepOldest);
}

TEST(Policy, JunkIsRefused) {
  for (const char* junk : {"", "keep", "keep-newest ", "KEEP-NEWEST", "keep-newest\n"}) {
    EXPECT_THROW((void)ParsePolicy(junk), Error) << junk;
  }
}

}  // namespace
}  // namespace grabfs
