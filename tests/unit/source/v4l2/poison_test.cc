// SPDX-License-Identifier: Apache-2.0
#include "fusefs/source/v4l2/poison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace grabfs {
namespace {

constexpr size_t kPage = 4096;
constexpr uint64_t kSeed = 42;

class PoisonTest : public testing::Test {
 protected:
  PoisonTest() : memory_(3 * kPage + 5) { Poison(memory_, kSeed); }

  std::vector<std::byte> memory_;
};

TEST_F(PoisonTest, IsFoundWhereNothingHasBeenWritten) {
  EXPECT_EQ(FindPoison(memory_, kSeed), 0u);
  std::ranges::fill_n(memory_.begin(), 2 * kPage, std::byte{0});
  EXPECT_EQ(FindPoison(memory_, kSeed), 2 * kPage);
}

TEST_F(PoisonTest, IsFoundInALastPageOfAFewBytes) {
  std::ranges::fill_n(memory_.begin(), 3 * kPage, std::byte{0});
  EXPECT_EQ(FindPoison(memory_, kSeed), 3 * kPage);
}

TEST_F(PoisonTest, IsGoneFromAPageWithOneOtherByte) {
  for (size_t offset = kPage - 1; offset < memory_.size(); offset += kPage) {
    memory_[offset] ^= std::byte{1};
  }
  memory_.back() ^= std::byte{1};
  EXPECT_EQ(FindPoison(memory_, kSeed), std::nullopt);
}

TEST_F(PoisonTest, OfAnotherTimeIsAsGoodAsAPicture) {
  EXPECT_EQ(FindPoison(memory_, kSeed + 1), std::nullopt);
}

}  // namespace
}  // namespace grabfs
