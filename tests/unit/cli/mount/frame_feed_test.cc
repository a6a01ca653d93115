// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/frame_feed.h"

#include <gtest/gtest.h>

#include "cli/base/exit_code.h"
#include "tests/unit/cli/fake_mount.h"

namespace grabfs::cli {
namespace {

class Feed : public FakeMount {
 protected:
  FakeDevice& fake_ = AddDevice("sim0");
  Device device_{root(), "sim0"};

  static std::vector<std::pair<Outcome::Kind, uint64_t>> Drain(FrameFeed& feed) {
    std::vector<std::pair<Outcome::Kind, uint64_t>> all;
    while (const auto outcome = feed.Next(Deadline::After(0.05))) {
      for (uint64_t i = 0; i < outcome->count; ++i) {
        all.emplace_back(outcome->kind, outcome->sequence + i);
      }
    }
    return all;
  }
};

TEST_F(Feed, TellsTheFateOfEveryFrame) {
  FrameFeed feed(device_);
  fake_.Capture();
  fake_.Lose("drop", "no free buffer");
  fake_.Lose("error", "bus error");
  fake_.Capture();
  using enum Outcome::Kind;
  EXPECT_EQ(Drain(feed), (std::vector<std::pair<Outcome::Kind, uint64_t>>{
                             {kFrame, 0}, {kDropped, 1}, {kFailed, 2}, {kFrame, 3}}));
}

TEST_F(Feed, BeginsWithTheNextFrame) {
  fake_.Capture();
  FrameFeed feed(device_);
  EXPECT_EQ(feed.first_sequence(), 1U);
  fake_.Capture();
  EXPECT_EQ(feed.Next(Deadline::After(5.0))->sequence, 1U);
}

TEST_F(Feed, FindsOutWhatALostEventHid) {
  FrameFeed feed(device_);
  fake_.Capture();
  EXPECT_EQ(feed.Next(Deadline::After(5.0))->sequence, 0U);
  // Frames 1 to 4 come without being heard: 2 is recycled, 4 was dropped.
  {
    FrameFeed swallow(device_);  // takes the events out of the pipe that the two share
    for (int i = 0; i < 3; ++i) fake_.Capture();
    fake_.Lose("drop", "no free buffer");
    EXPECT_EQ(Drain(swallow).size(), 4U);
  }
  fake_.Recycle(2);
  fake_.Announce({{"event", "lost"}, {"device", "sim0"}, {"count", 4}});
  fake_.Capture();
  using enum Outcome::Kind;
  EXPECT_EQ(Drain(feed), (std::vector<std::pair<Outcome::Kind, uint64_t>>{
                             {kFrame, 1}, {kMissed, 2}, {kFrame, 3}, {kMissed, 4}, {kFrame, 5}}));
}

TEST_F(Feed, ADeviceThatIsUnpluggedEndsIt) {
  FrameFeed feed(device_);
  fake_.Announce({{"event", "state"}, {"device", "sim0"}, {"state", "gone"}});
  EXPECT_THROW(feed.Next(Deadline::After(5.0)), NoDeviceError);
}

TEST_F(Feed, AnErrorStateEndsItWithTheDevicesOwnWords) {
  FrameFeed feed(device_);
  fake_.Patch({{"state", "error"}, {"last_error", "the cable fell off"}});
  fake_.Announce({{"event", "state"}, {"device", "sim0"}, {"state", "error"}});
  try {
    feed.Next(Deadline::After(5.0));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), EIO);
    EXPECT_STREQ(error.what(), "sim0: capture ended: the cable fell off");
  }
}

}  // namespace
}  // namespace grabfs::cli
