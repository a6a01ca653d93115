// SPDX-License-Identifier: Apache-2.0
//
// What monitor shows of a mount, as text.
#include "cli/watch/monitor_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/watch/sparkline.h"

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

bool Has(const std::vector<Line>& lines, const std::string& text) {
  return std::ranges::any_of(
      lines, [&](const Line& line) { return TextOf(line).find(text) != std::string::npos; });
}

// How the first part that contains the text stands out.
std::optional<Look> LookOf(const std::vector<Line>& lines, const std::string& text) {
  for (const Line& line : lines) {
    for (const Span& span : line) {
      if (span.text.find(text) != std::string::npos) return span.look;
    }
  }
  return std::nullopt;
}

std::vector<Line> Render(const MonitoredDevice& device, size_t width) {
  return RenderMonitor({{"/mnt/grabfs", {device}}}, width, true);
}

TEST(BufferStrip, HasACellForEachBuffer) { EXPECT_EQ(BufferStrip("rRfeEna", 80), "#H>.H~!"); }

TEST(BufferStrip, PutsSeveralIntoACellWhereThereIsNoRoom) {
  EXPECT_EQ(BufferStrip("eeerefeR", 4), ".#>H");
  EXPECT_EQ(BufferStrip(std::string(1000, 'r'), 60).size(), 59U);
  EXPECT_EQ(BufferStrip("", 10), "");
}

TEST(Monitor, ShowsRatesBuffersAndWhoHoldsThem) {
  const auto lines = Render(Camera(), 80);
  for (const char* text :
       {"/mnt/grabfs", "cam0  streaming  BGR4 640x480", "passthrough (zero copy)",
        "30.0 frames/s of 30", "36.8 MB/s", "0.5 drops/s", "1235 captured", "2 dropped",
        "newest 1234", "8 buffers [##HH##>.]", "4711    python3",
        "frames/00001230.raw, frames/00001231.raw",
        "4712    reads stream.raw: 420 frames  3 skipped"}) {
    EXPECT_TRUE(Has(lines, text)) << text;
  }
}

TEST(Monitor, FitsIntoEveryWidth) {
  MonitoredDevice device = Camera();
  device.status.last_error = std::string(300, 'x');
  device.status.buffers.states = std::string(500, 'R');
  for (int i = 0; i < 40; ++i) device.users.front().files.push_back("buffers/" + std::to_string(i));
  for (size_t width = 1; width < 200; ++width) {
    for (const Line& line : RenderMonitor({{"/mnt/grabfs", {device, device}}}, width, true)) {
      ASSERT_LE(Columns(TextOf(line)), width);
    }
  }
  EXPECT_TRUE(Has(Render(device, 80), " more"));
  EXPECT_LE(Render(device, 80).size(), 24U);
}

TEST(Monitor, OnANarrowTerminalNothingIsMissing) {
  const auto lines = Render(Camera(), 50);
  MonitoredDevice device = Camera();
  device.history = {0, 15, 30};
  EXPECT_TRUE(Has(Render(device, 50), " ▄█"));
  for (const char* text : {"passthrough (zero copy)", "drops/s", "2 dropped", "newest 1234",
                           "! aside", "3 skipped", "8 buffers [##HH##>.]"}) {
    EXPECT_TRUE(Has(lines, text)) << text;
  }
}

TEST(Monitor, DropsStandOut) {
  MonitoredDevice device = Camera();
  EXPECT_EQ(LookOf(Render(device, 80), "2 dropped"), Look::kAlarm);
  EXPECT_EQ(LookOf(Render(device, 80), "0.5 drops/s"), Look::kAlarm);
  EXPECT_EQ(LookOf(Render(device, 80), "0 failed"), Look::kPlain);
  EXPECT_EQ(LookOf(Render(device, 80), "3 skipped"), Look::kAlarm);
  device.status.counters.dropped = 0;
  device.rates.dropped = 0;
  EXPECT_EQ(LookOf(Render(device, 80), "0 dropped"), Look::kPlain);
  EXPECT_EQ(LookOf(Render(device, 80), "0.0 drops/s"), Look::kPlain);
}

TEST(Monitor, TheRateHasAHistory) {
  MonitoredDevice device = Camera();
  device.history = {0, 15, 30};
  EXPECT_TRUE(Has(Render(device, 80), " ▄█"));
  EXPECT_TRUE(Has(RenderMonitor({{"/mnt/grabfs", {device}}}, 80, false), " -#"));
  device.history = std::vector<double>(500, 30);
  for (const Line& line : Render(device, 120)) EXPECT_LE(Columns(TextOf(line)), 120U);
}

TEST(Monitor, ShowsSeveralMounts) {
  const auto lines = RenderMonitor({{"/mnt/a", {Camera()}}, {"/mnt/b", {Camera()}}}, 80, true);
  EXPECT_TRUE(Has(lines, "/mnt/a"));
  EXPECT_TRUE(Has(lines, "/mnt/b"));
  EXPECT_EQ(std::ranges::count_if(lines, [](const Line& line) { return Has({line}, "H held"); }),
            1);
}

TEST(Sparkline, GoesFromNothingToTheLargest) {
  EXPECT_EQ(Sparkline({0, 1, 4, 8}, 10, true), " ▁▄█");
  EXPECT_EQ(Sparkline({0, 0.001, 8}, 10, false), " _#");
  EXPECT_EQ(Sparkline({100, 0, 0}, 2, true), "  ");
  EXPECT_EQ(Sparkline({}, 10, true), "");
}

TEST(Monitor, TellsProgramsTheSame) {
  const auto json = ToJson("/mnt/grabfs", Camera());
  EXPECT_EQ(json.at("mount"), "/mnt/grabfs");
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
