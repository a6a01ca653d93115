// SPDX-License-Identifier: Apache-2.0
//
// What one user may hold of the buffers of a device.
#include "fusefs/vfs/hold_limit.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "fusefs/base/error.h"

namespace grabfs {
namespace {

constexpr uint32_t kSlots = 4;
constexpr unsigned kHalf = 50;
constexpr uid_t kOwner = 1000;
constexpr uid_t kAlice = 1001;
constexpr uid_t kBob = 1002;

class HoldLimitTest : public ::testing::Test {
 protected:
  HoldLimitTest() {
    const FrameFormat format = MakeFrameFormat(kGrey, 16, 16);
    std::vector<std::unique_ptr<Memory>> buffers;
    for (uint32_t i = 0; i < kSlots; ++i) buffers.push_back(AllocateMemory("limit", format.bytes));
    pool_ = std::make_shared<Pool>(0, format, std::move(buffers), Policy::kKeepNewest, nullptr);
    for (uint64_t sequence = 0; sequence < kSlots; ++sequence) {
      const auto fill = pool_->ring.BeginFill();
      pool_->ring.Complete(fill->slot, {.sequence = sequence});
    }
  }

  std::unique_ptr<HoldLimit::Share> Take(uint64_t sequence, uid_t user = kAlice) {
    return limit_.TakeFrame(pool_, sequence, user);
  }
  // errno of taking one more.
  int Refusal(uint64_t sequence, uid_t user = kAlice) {
    try {
      Take(sequence, user);
    } catch (const Error& error) {
      return error.code();
    }
    return 0;
  }

  std::shared_ptr<Pool> pool_;
  HoldLimit limit_{kHalf, kOwner};
};

TEST_F(HoldLimitTest, IsSoManyDifferentFrames) {
  const auto first = Take(0);
  const auto again = Take(0);
  const auto second = Take(1);
  EXPECT_EQ(Refusal(2), EDQUOT);
  EXPECT_EQ(Refusal(1), 0);
}

TEST_F(HoldLimitTest, IsEachUsersOwn) {
  const auto first = Take(0);
  const auto second = Take(1);
  EXPECT_EQ(Refusal(2, kBob), 0);
}

TEST_F(HoldLimitTest, DoesNotBindRootAndTheOwner) {
  for (const uid_t user : {uid_t{0}, kOwner}) {
    for (uint64_t sequence = 0; sequence < kSlots; ++sequence) {
      EXPECT_EQ(Take(sequence, user), nullptr);
    }
  }
}

TEST_F(HoldLimitTest, CountsLockedBuffersToo) {
  const auto frame = Take(0);
  const auto lock = limit_.TakeBuffer(pool_, 3, kAlice);
  EXPECT_EQ(Refusal(1), EDQUOT);
}

TEST_F(HoldLimitTest, HasRoomAgainAfterTheLastClose) {
  auto first = Take(0);
  auto again = Take(0);
  const auto second = Take(1);
  first.reset();
  EXPECT_EQ(Refusal(2), EDQUOT);
  again.reset();
  EXPECT_EQ(Refusal(2), 0);
}

TEST_F(HoldLimitTest, AMappingThatIsLeftCountsUntilItsBufferIsFree) {
  const auto frame = pool_->ring.Hold(0);
  auto first = Take(0);
  const auto second = Take(1);
  first->MayBeMapped();
  first.reset();
  EXPECT_EQ(Refusal(2), EDQUOT);  // somebody else holds the frame: nothing else can be known
  pool_->ring.Release(frame->slot, true);
  EXPECT_EQ(Refusal(2), 0);  // nobody has it mapped after all
}

TEST_F(HoldLimitTest, OfAFewBuffersOneCanAlwaysBeHeld) {
  HoldLimit strict(1, kOwner);
  const auto one = strict.TakeFrame(pool_, 0, kAlice);
  EXPECT_THROW(strict.TakeFrame(pool_, 1, kAlice), Error);
}

TEST_F(HoldLimitTest, OfAHundredPercentIsNone) {
  HoldLimit none(100, kOwner);
  EXPECT_EQ(none.TakeFrame(pool_, 0, kAlice), nullptr);
}

// Each costs capture a look for each frame, whatever it holds.
TEST_F(HoldLimitTest, PagesOfAUserAndOfADeviceAreCounted) {
  HoldLimit many(100 - 1, kOwner);
  const FrameFormat format = MakeFrameFormat(kGrey, 16, 16);
  std::vector<std::unique_ptr<Memory>> buffers;
  for (uint32_t i = 0; i < 512; ++i) buffers.push_back(AllocateMemory("limit", format.bytes));
  const auto pool =
      std::make_shared<Pool>(0, format, std::move(buffers), Policy::kKeepNewest, nullptr);
  std::vector<HoldLimit::Page> pages;
  const auto make_all = [&](uid_t user) {
    size_t made = 0;
    try {
      for (;; ++made) pages.push_back(many.TakePage(pool, 1, user));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), EDQUOT);
    }
    return made;
  };
  EXPECT_EQ(make_all(kAlice), 16);
  EXPECT_EQ(make_all(kBob), 16);
  EXPECT_EQ(make_all(kBob + 1), 16);
  EXPECT_EQ(make_all(kBob + 2), 0);
  EXPECT_EQ(make_all(kOwner), 16);
  pages.erase(pages.begin());
  EXPECT_EQ(make_all(kAlice), 0) << "the last ones are root's and the owner's";
  EXPECT_EQ(make_all(0), 1);
}

}  // namespace
}  // namespace grabfs
