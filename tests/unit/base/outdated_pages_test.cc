// SPDX-License-Identifier: Apache-2.0
//
// What the kernel writes back of pages that it has had since before their contents were replaced is
// not laid over them; everything else is.
#include "fusefs/base/outdated_pages.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace grabfs {
namespace {

constexpr uint64_t kPage = 4096;

class OutdatedPagesTest : public ::testing::Test {
 protected:
  using Range = std::pair<uint64_t, uint64_t>;  // offset and size

  // What is applied of so many bytes written back, neighbours joined.
  [[nodiscard]] std::vector<Range> Applied(uint64_t offset, size_t size) const {
    const std::vector<std::byte> data(size);
    std::vector<Range> ranges;
    pages_.WriteBack(offset, data, [&](uint64_t place, std::span<const std::byte> part) {
      EXPECT_EQ(part.data(), data.data() + (place - offset));
      if (!ranges.empty() && ranges.back().first + ranges.back().second == place) {
        ranges.back().second += part.size();
      } else {
        ranges.emplace_back(place, part.size());
      }
    });
    return ranges;
  }

  OutdatedPages pages_;
};

TEST_F(OutdatedPagesTest, AtFirstEverythingIsApplied) {
  EXPECT_EQ(Applied(3, 3 * kPage), (std::vector<Range>{{3, 3 * kPage}}));
}

TEST_F(OutdatedPagesTest, WhatWasReplacedIsNotOverwritten) {
  pages_.Replaced(2 * kPage);
  EXPECT_EQ(Applied(0, 2 * kPage), std::vector<Range>());
  EXPECT_EQ(Applied(kPage, 2 * kPage), (std::vector<Range>{{2 * kPage, kPage}}));
}

TEST_F(OutdatedPagesTest, WhatIsBehindTheContentsInTheSamePageIsApplied) {
  pages_.Replaced(kPage + 100);
  EXPECT_EQ(Applied(kPage, kPage), (std::vector<Range>{{kPage + 100, kPage - 100}}));
}

TEST_F(OutdatedPagesTest, AReadMakesAPageCurrent) {
  pages_.Replaced(4 * kPage);
  pages_.Read(kPage + 1, 1);
  EXPECT_EQ(Applied(0, 4 * kPage), (std::vector<Range>{{kPage, kPage}}));
  pages_.Read(0, 8 * kPage);
  EXPECT_EQ(Applied(0, 4 * kPage), (std::vector<Range>{{0, 4 * kPage}}));
}

TEST_F(OutdatedPagesTest, WritingAWholePageDoesToo) {
  pages_.Replaced(4 * kPage);
  pages_.Written(kPage - 1, kPage + 2);
  EXPECT_EQ(Applied(0, 4 * kPage), (std::vector<Range>{{kPage, kPage}}));
}

TEST_F(OutdatedPagesTest, EachReplacementBeginsAnew) {
  pages_.Replaced(kPage);
  pages_.Read(0, kPage);
  pages_.Replaced(kPage);
  EXPECT_EQ(Applied(0, kPage), std::vector<Range>());
}

TEST_F(OutdatedPagesTest, NothingReplacedIsNothingOutdated) {
  pages_.Replaced(kPage);
  pages_.Replaced(0);
  EXPECT_EQ(Applied(0, kPage), (std::vector<Range>{{0, kPage}}));
}

}  // namespace
}  // namespace grabfs
