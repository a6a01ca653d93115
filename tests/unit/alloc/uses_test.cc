// SPDX-License-Identifier: Apache-2.0
//
// Who uses a file, and that nobody is forgotten.
#include "fusefs/alloc/uses.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace grabfs::alloc {
namespace {

constexpr Caller kAlice = {.uid = 1001, .gid = 1001, .pid = 10};
constexpr Caller kBob = {.uid = 1002, .gid = 1002, .pid = 20};

bool Direct() { return true; }
bool Idle() { return true; }
bool NotIdle() { return false; }

TEST(Uses, OpenFilesAreInUseAndMappedOnesUntilTheMemoryIsIdle) {
  Uses uses;
  EXPECT_FALSE(uses.InUse({NotIdle}));
  const auto handle = uses.Opened(kAlice, Direct);
  EXPECT_TRUE(uses.InUse({Idle}));
  EXPECT_TRUE(uses.Closed(handle, true));
  EXPECT_TRUE(uses.InUse({NotIdle}));
  EXPECT_FALSE(uses.InUse({Idle}));
  EXPECT_FALSE(uses.InUse({NotIdle})) << "it is known to be idle";
}

TEST(Uses, AMappingThatIsMadeWhileTheMemoryIsAskedIsNotForgotten) {
  Uses uses;
  uses.Closed(uses.Opened(kAlice, Direct), true);
  EXPECT_TRUE(uses.InUse({[&uses] {
    uses.Closed(uses.Opened(kBob, Direct), true);  // after the memory was found to be idle
    return true;
  }}));
  EXPECT_TRUE(uses.InUse({NotIdle}));
}

// Who opens a file without waiting would meet the lease.
TEST(Uses, AnOpenWaitsForAProbeByLease) {
  Uses uses;
  uses.Closed(uses.Opened(kAlice, Direct), true);
  std::atomic<bool> opened = false;
  std::jthread opener;
  const auto probe = [&] {
    opener = std::jthread([&] {
      (void)uses.Opened(kBob, Direct);
      opened = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(opened);
    return true;
  };
  EXPECT_FALSE(uses.InUse({probe, true}));
  opener.join();
  EXPECT_TRUE(uses.open());
}

TEST(Uses, TheFirstToOpenItDecidesWhetherItIsDirect) {
  Uses uses;
  const auto first = uses.Opened(kAlice, [] { return false; });
  const auto second = uses.Opened(kBob, Direct);
  EXPECT_FALSE(uses.direct());
  EXPECT_FALSE(uses.Closed(first, false));
  EXPECT_TRUE(uses.Closed(second, false));
  (void)uses.Opened(kBob, Direct);
  EXPECT_TRUE(uses.direct());
}

TEST(Uses, WhoAsksIsNotInHisOwnWay) {
  Uses uses;
  const auto own = uses.Opened(kAlice, Direct);
  EXPECT_FALSE(uses.Elsewhere(kAlice, own));
  EXPECT_FALSE(uses.Elsewhere(kAlice, Uses::kNoHandle)) << "O_TRUNC asks without a handle";
  EXPECT_TRUE(uses.Elsewhere(kBob, Uses::kNoHandle));
  const auto other = uses.Opened(kBob, Direct);
  EXPECT_TRUE(uses.Elsewhere(kAlice, own));
  uses.Closed(other, false);
  EXPECT_FALSE(uses.Elsewhere(kAlice, own));
}

}  // namespace
}  // namespace grabfs::alloc
