// SPDX-License-Identifier: Apache-2.0
#include "cli/watch/monitor_view.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "cli/base/text.h"
#include "cli/watch/sparkline.h"

namespace grabfs::cli {
namespace {

constexpr size_t kCommandColumn = 16;
constexpr size_t kPidColumn = 7;

std::string Padded(std::string text, size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

// The letters of status.json, see docs/mount.md.
char CellOf(char state) {
  switch (state) {
    case 'R':
    case 'E':
      return 'H';
    case 'f':
      return '>';
    case 'r':
      return '#';
    case 'n':
      return '~';
    case 'a':
      return '!';
    default:
      return '.';
  }
}

std::string Data(const DeviceStatus& status) {
  return status.data_path == "passthrough" ? "passthrough (zero copy)" : status.data_path;
}

Look LookOf(char cell) {
  switch (cell) {
    case '#':
      return Look::kFrameCell;
    case 'H':
      return Look::kHeldCell;
    case '>':
      return Look::kFilledCell;
    case '!':
      return Look::kAlarm;
    default:
      return Look::kPlain;
  }
}

Look LookOfState(const std::string& state) {
  if (state == "streaming") return Look::kGood;
  return state == "stopped" ? Look::kPlain : Look::kAlarm;
}

// What must not be overlooked as soon as there is any of it.
Look AlarmIf(bool any) { return any ? Look::kAlarm : Look::kPlain; }

// "frames/00000042.raw, events and 3 more", within `width` columns.
std::string ListFiles(const std::vector<std::string>& files, size_t width) {
  std::string list;
  for (size_t i = 0; i < files.size(); ++i) {
    const std::string next = (i == 0 ? "" : ", ") + files[i];
    const size_t left = files.size() - i;
    const std::string rest = " and " + std::to_string(left) + " more";
    if (i > 0 && list.size() + next.size() + (left > 1 ? rest.size() : 0) > width) {
      return list + rest;
    }
    list += next;
  }
  return list;
}

// "[##H>.]" in pieces of one look.
Line Strip(const std::string& states, size_t width) {
  Line strip = {{"["}};
  for (const char cell : BufferStrip(states, width)) {
    const Look look = LookOf(cell);
    if (strip.back().look != look) strip.push_back({"", look});
    strip.back().text += cell;
  }
  strip.push_back({"]"});
  return strip;
}

void AddRates(const MonitoredDevice& device, bool unicode, Page& page) {
  page.Begin(2);
  page.Add(Decimal(device.rates.frames, 1) + " frames/s of " + device.status.rate);
  page.Add(Decimal(device.rates.bytes / 1e6, 1) + " MB/s");
  page.Add(Decimal(device.rates.dropped, 1) + " drops/s", AlarmIf(device.rates.dropped > 0));
  constexpr size_t kShortest = 8;
  if (device.history.size() < 2) return;
  if (page.room() < kShortest) page.Begin(2);
  page.Add(Sparkline(device.history, page.room(), unicode), Look::kGood);
}

void AddCounters(const DeviceStatus& d, Page& page) {
  page.Begin(2);
  page.Add(std::to_string(d.counters.captured) + " captured");
  page.Add(std::to_string(d.counters.delivered) + " delivered");
  page.Add(std::to_string(d.counters.dropped) + " dropped", AlarmIf(d.counters.dropped > 0));
  page.Add(std::to_string(d.counters.failed) + " failed", AlarmIf(d.counters.failed > 0));
  if (d.sequence.newest) page.Add("newest " + std::to_string(*d.sequence.newest));
}

void AddBuffers(const DeviceStatus& d, Page& page) {
  page.Begin(2);
  Line strip = {{Plural(d.buffers.count, "buffer") + " "}};
  const size_t taken = strip.front().text.size() + 2;
  const size_t room = page.room() > taken ? page.room() - taken : 1;
  for (Span& span : Strip(d.buffers.states, room)) strip.push_back(std::move(span));
  page.Add(std::move(strip));
}

void AddUsers(const MonitoredDevice& device, Page& page) {
  for (const FileUser& user : device.users) {
    page.Begin(2);
    page.Add(Padded(std::to_string(user.pid), kPidColumn) + " " +
             Padded(user.command, kCommandColumn - 1));
    page.Add(ListFiles(user.files, page.room()));
  }
  for (const auto& stream : device.status.streams) {
    page.Begin(2);
    page.Add(Padded(std::to_string(stream.pid), kPidColumn) + " reads " + stream.file + ": " +
             Plural(stream.frames, "frame"));
    page.Add(std::to_string(stream.skipped) + " skipped", AlarmIf(stream.skipped > 0));
  }
}

void AddDevice(const MonitoredDevice& device, bool unicode, Page& page) {
  const DeviceStatus& d = device.status;
  page.Begin();
  page.Add(d.name, Look::kTitle);
  page.Add(d.state, LookOfState(d.state));
  page.Add(d.format + " " + std::to_string(d.width) + "x" + std::to_string(d.height));
  page.Add(d.source);
  page.Add(Data(d));
  AddRates(device, unicode, page);
  AddCounters(d, page);
  AddBuffers(d, page);
  if (!d.last_error.empty()) {
    page.Begin(2);
    page.Add("last error: " + DescribeLastError(d));
  }
  AddUsers(device, page);
}

void AddLegend(Page& page) {
  page.Add("buffers:");
  for (const char* meaning :
       {"# frame", "H held", "> filled", ". empty", "~ new pages", "! aside"}) {
    page.Add(Line{{std::string(1, *meaning), LookOf(*meaning)}, {meaning + 1}});
  }
}

}  // namespace

std::string BufferStrip(const std::string& states, size_t width) {
  constexpr std::string_view kSaysMost = "!H>~#.";
  const size_t per_cell = std::max<size_t>((states.size() + width - 1) / width, 1);
  std::string strip;
  for (size_t i = 0; i < states.size(); i += per_cell) {
    size_t rank = kSaysMost.size() - 1;
    for (const char state : states.substr(i, per_cell)) {
      rank = std::min(rank, kSaysMost.find(CellOf(state)));
    }
    strip += kSaysMost[rank];
  }
  return strip;
}

std::vector<Line> RenderMonitor(const std::vector<MonitoredMount>& mounts, size_t width,
                                bool unicode) {
  Page page(width);
  for (const MonitoredMount& mount : mounts) {
    const bool first = page.lines().empty();
    if (!first) page.Begin();
    page.Begin();
    page.Add(mount.mountpoint, Look::kTitle);
    if (first) AddLegend(page);
    for (const MonitoredDevice& device : mount.devices) {
      page.Begin();
      AddDevice(device, unicode, page);
    }
  }
  return page.lines();
}

nlohmann::ordered_json ToJson(const std::string& mountpoint, const MonitoredDevice& device) {
  const DeviceStatus& d = device.status;
  nlohmann::ordered_json users = nlohmann::ordered_json::array();
  for (const FileUser& user : device.users) {
    users.push_back({{"pid", user.pid}, {"command", user.command}, {"files", user.files}});
  }
  nlohmann::ordered_json streams = nlohmann::ordered_json::array();
  for (const auto& stream : d.streams) {
    streams.push_back({{"file", stream.file},
                       {"pid", stream.pid},
                       {"frames", stream.frames},
                       {"skipped", stream.skipped}});
  }
  return {{"mount", mountpoint},
          {"device", d.name},
          {"state", d.state},
          {"data_path", d.data_path},
          {"frames_per_s", device.rates.frames},
          {"dropped_per_s", device.rates.dropped},
          {"bytes_per_s", device.rates.bytes},
          {"captured", d.counters.captured},
          {"dropped", d.counters.dropped},
          {"failed", d.counters.failed},
          {"buffers", d.buffers.states},
          {"users", users},
          {"streams", streams}};
}

}  // namespace grabfs::cli
