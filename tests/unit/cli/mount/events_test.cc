// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/events.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "cli/base/exit_code.h"
#include "tests/unit/cli/fake_mount.h"

namespace grabfs::cli {
namespace {

using Events = FakeMount;

TEST(Event, EveryKindIsUnderstood) {
  const Event frame = ParseEvent(R"({"event":"frame","sequence":42,"timestamp_ns":7})");
  EXPECT_EQ(frame.kind, Event::Kind::kFrame);
  EXPECT_EQ(frame.sequence, 42U);
  EXPECT_EQ(frame.timestamp_ns, 7U);
  const Event drop = ParseEvent(R"({"event":"drop","sequence":43,"count":2,"reason":"full"})");
  EXPECT_EQ(drop.kind, Event::Kind::kDrop);
  EXPECT_EQ(drop.count, 2U);
  EXPECT_EQ(drop.reason, "full");
  EXPECT_EQ(ParseEvent(R"({"event":"error","sequence":1})").kind, Event::Kind::kError);
  EXPECT_EQ(ParseEvent(R"({"event":"state","state":"stopped"})").state, "stopped");
  EXPECT_EQ(ParseEvent(R"({"event":"lost","count":17})").count, 17U);
}

TEST(Event, KindsOfALaterVersionAreLetPass) {
  EXPECT_EQ(ParseEvent(R"({"event":"temperature","celsius":31})").kind, Event::Kind::kOther);
}

TEST(Event, WhatIsNoEventIsRefused) {
  for (const char* bad : {"", "frame", "[]", "{}", R"({"event":3})",
                          R"({"event":"frame","sequence":"x"})", R"({"event":"frame")"}) {
    EXPECT_THROW(ParseEvent(bad), Error) << bad;
  }
}

TEST_F(Events, LinesMayArriveInPieces) {
  FakeDevice& device = AddDevice("sim0");
  EventReader reader({root(), "sim0/events"}, "sim0");
  const UniqueFd raw(::open((device.directory() / "events").c_str(), O_WRONLY));
  const std::string text = R"({"event":"frame","sequence":1})"
                           "\n"
                           R"({"event":"fra)";
  ASSERT_EQ(::write(raw.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  EXPECT_EQ(reader.Next(Deadline::After(5.0))->sequence, 1U);
  EXPECT_EQ(reader.Next(Deadline::After(0.01)), std::nullopt);
  const std::string rest = "me\",\"sequence\":2}\n";
  ASSERT_EQ(::write(raw.get(), rest.data(), rest.size()), static_cast<ssize_t>(rest.size()));
  EXPECT_EQ(reader.Next(Deadline::After(5.0))->sequence, 2U);
}

TEST_F(Events, TheEndMeansThatTheDeviceIsGone) {
  FakeDevice& device = AddDevice("sim0");
  EventReader reader({root(), "sim0/events"}, "sim0");
  device.Announce({{"event", "state"}, {"state", "error"}});
  device.Unplug();
  EXPECT_EQ(reader.Next(Deadline::After(5.0))->state, "error");
  EXPECT_THROW(reader.Next(Deadline::After(5.0)), NoDeviceError);
}

}  // namespace
}  // namespace grabfs::cli
