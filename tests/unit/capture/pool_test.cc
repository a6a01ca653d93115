// SPDX-License-Identifier: Apache-2.0
//
// When the memory of a frame is probed: not while somebody follows the buffer, whose open a probe
// might disturb.
#include "fusefs/capture/pool.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace grabfs {
namespace {

// One file for frames and followers, or one each.
class ProbedMemory final : public Memory {
 public:
  ProbedMemory(bool one_file, int* probes) : one_file_(one_file), probes_(probes) {
    bytes_ = space_;
  }
  [[nodiscard]] int live_fd() const override { return 1; }
  [[nodiscard]] int frame_fd() const override { return one_file_ ? 1 : 2; }
  [[nodiscard]] Usage Probe() override {
    ++*probes_;
    return Usage::kIdle;
  }
  [[nodiscard]] bool Unused() override { return true; }

 private:
  const bool one_file_;
  int* const probes_;
  std::vector<std::byte> space_ = std::vector<std::byte>(256);
};

class PoolTest : public ::testing::Test {
 protected:
  // A pool of one buffer, whose frame has been opened and may be mapped still.
  std::unique_ptr<Pool> PoolWithASlotThatMayBeMapped(bool one_file) {
    std::vector<std::unique_ptr<Memory>> memory;
    memory.push_back(std::make_unique<ProbedMemory>(one_file, &probes_));
    auto pool = std::make_unique<Pool>(0, MakeFrameFormat(kGrey, 16, 16), std::move(memory),
                                       Policy::kKeepNewest, nullptr);
    pool->ring.BeginFill();
    pool->ring.Complete(0, {.sequence = 7, .bytes_used = 256});
    EXPECT_TRUE(pool->ring.Hold(7));
    pool->ring.Release(0, true);
    return pool;
  }

  int probes_ = 0;
};

TEST_F(PoolTest, ASlotThatMayBeMappedIsProbed) {
  const auto pool = PoolWithASlotThatMayBeMapped(true);
  EXPECT_TRUE(pool->ring.BeginFill());
  EXPECT_EQ(probes_, 1);
}

TEST_F(PoolTest, WhileSomebodyFollowsTheBufferItsMemoryIsNotProbed) {
  const auto pool = PoolWithASlotThatMayBeMapped(true);
  ++pool->followers[0];
  EXPECT_FALSE(pool->ring.BeginFill());
  EXPECT_FALSE(pool->ring.Recheck().empty());
  EXPECT_EQ(probes_, 0);
  --pool->followers[0];
  EXPECT_TRUE(pool->ring.Recheck().empty());
  EXPECT_EQ(probes_, 1);
  EXPECT_TRUE(pool->ring.BeginFill());
}

TEST_F(PoolTest, AProbeOfAnotherFileDisturbsNoFollower) {
  const auto pool = PoolWithASlotThatMayBeMapped(false);
  ++pool->followers[0];
  EXPECT_TRUE(pool->ring.BeginFill());
  EXPECT_EQ(probes_, 1);
}

}  // namespace
}  // namespace grabfs
