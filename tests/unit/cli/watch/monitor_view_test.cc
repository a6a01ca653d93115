// SPDX-License-Identifier: Apache-2.0
//
// What monitor shows of a mount, as text.
#include "cli/watch/monitor_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace grabfs::cli {
namespace {

MonitoredDevice Camera() {
  MonitoredDevice device;
  DeviceStatus& status = device.status;
  status.name = "cam0";
  status.source = "pattern";
  status.state = "streaming";
  status.format = "BGR4";
  status.width = 640;
  status.height = 480;
  status.rate = "30";
  status.data_path = "passthrough";
  status.buffers = {8, 1, 1, 6, 2, 0, 0, "rrRRrrfe"};
  status.sequence = {1235, 1229, 1234};
  status.counters = {1235, 7, 1220, 2, 0, 6};
  status.streams = {{"stream.raw", 4712, 420, 3}};
  device.rates = {29.97, 0.5, 36.8e6};
  device.users = {{4711, "python3", {"frames/00001230.raw", "frames/00001231.raw"}}};
  return device;
}

bool Has(const std::vector<std::string>& lines, const std::string& text) {
  return std::ranges::any_of(
      lines, [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

TEST(BufferStrip, HasACellForEachBuffer) { EXPECT_EQ(BufferStrip("rRfeEna", 80), "#H>.H~!"); }

TEST(BufferStrip, PutsSeveralIntoACellWhereThereIsNoRoom) {
  EXPECT_EQ(BufferStrip("eeerefeR", 4), ".#>H");
  EXPECT_EQ(BufferStrip(std::string(1000, 'r'), 60).size(), 59U);
  EXPECT_EQ(BufferStrip("", 10), "");
}

TEST(Monitor, ShowsRatesBuffersAndWhoHoldsThem) {
  const auto lines = RenderMonitor({"/mnt/grabfs", {Camera()}}, 80);
  for (const char* text :
       {"/mnt/grabfs", "cam0  streaming  BGR4 640x480", "passthrough (zero copy)",
        "30.0 frames/s of 30", "36.8 MB/s", "0.5 drops/s", "1235 captured", "2 dropped",
        "newest 1234", "8 buffers [##HH##>.]", "4711    python3",
        "frames/00001230.raw, frames/00001231.raw",
        "4712    reads stream.raw: 420 frames, 3 skipped"}) {
    EXPECT_TRUE(Has(lines, text)) << text;
  }
}

TEST(Monitor, FitsIntoEveryWidth) {
  MonitoredDevice device = Camera();
  device.status.last_error = std::string(300, 'x');
  device.status.buffers.states = std::string(500, 'R');
  for (int i = 0; i < 40; ++i) device.users.front().files.push_back("buffers/" + std::to_string(i));
  for (size_t width = 1; width < 200; ++width) {
    for (const std::string& line : RenderMonitor({"/mnt/grabfs", {device, device}}, width)) {
      ASSERT_LE(line.size(), width);
    }
  }
  EXPECT_TRUE(Has(RenderMonitor({"/mnt/grabfs", {device}}, 80), " more"));
  EXPECT_LE(RenderMonitor({"/mnt/grabfs", {device}}, 80).size(), 24U);
}

TEST(Monitor, TellsProgramsTheSame) {
  const auto json = ToJson(Camera());
  EXPECT_EQ(json.at("device"), "cam0");
  EXPECT_EQ(json.at("buffers"), "rrRRrrfe");
  EXPECT_EQ(json.at("users").at(0).at("pid"), 4711);
  EXPECT_EQ(json.at("users").at(0).at("files").size(), 2U);
  EXPECT_EQ(json.at("streams").at(0).at("skipped"), 3);
}

TEST(FileUser, IsSeenFromADirectory) {
  const FileUser user = {
      7, "cat", {"cam0/events", "cam0/frames/1.raw", "cam01/events", "status.json"}};
  const auto within = WithinDirectory(user, "cam0");
  ASSERT_TRUE(within);
  EXPECT_EQ(within->files, (std::vector<std::string>{"events", "frames/1.raw"}));
  EXPECT_FALSE(WithinDirectory(user, "cam2"));
}

}  // namespace
}  // namespace grabfs::cli
