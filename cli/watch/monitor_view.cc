// SPDX-License-Identifier: Apache-2.0
#include "cli/watch/monitor_view.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "cli/base/text.h"

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

std::string StreamLine(const DeviceStatus::Stream& stream) {
  return "  " + Padded(std::to_string(stream.pid), kPidColumn) + " reads " + stream.file + ": " +
         Plural(stream.frames, "frame") + ", " + std::to_string(stream.skipped) + " skipped";
}

void RenderDevice(const MonitoredDevice& device, size_t width, std::vector<std::string>& lines) {
  const DeviceStatus& d = device.status;
  const auto& c = d.counters;
  lines.push_back(d.name + "  " + d.state + "  " + d.format + " " + std::to_string(d.width) + "x" +
                  std::to_string(d.height) + "  " + d.source + "  " + Data(d));
  lines.push_back("  " + Decimal(device.rates.frames, 1) + " frames/s of " + d.rate + "   " +
                  Decimal(device.rates.bytes / 1e6, 1) + " MB/s   " +
                  Decimal(device.rates.dropped, 1) + " drops/s");
  lines.push_back("  " + std::to_string(c.captured) + " captured  " + std::to_string(c.delivered) +
                  " delivered  " + std::to_string(c.dropped) + " dropped  " +
                  std::to_string(c.failed) + " failed" +
                  (d.sequence.newest ? "  newest " + std::to_string(*d.sequence.newest) : ""));
  const std::string label = "  " + Plural(d.buffers.count, "buffer") + " ";
  const size_t room = width > label.size() + 2 ? width - label.size() - 2 : 1;
  lines.push_back(label + "[" + BufferStrip(d.buffers.states, room) + "]");
  if (!d.last_error.empty()) lines.push_back("  last error: " + OneLine(d.last_error));
  for (const FileUser& user : device.users) {
    const std::string who = "  " + Padded(std::to_string(user.pid), kPidColumn) + " " +
                            Padded(user.command, kCommandColumn) + " ";
    lines.push_back(who + ListFiles(user.files, width > who.size() ? width - who.size() : 1));
  }
  for (const auto& stream : d.streams) lines.push_back(StreamLine(stream));
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

std::vector<std::string> RenderMonitor(const MonitoredMount& mount, size_t width) {
  std::vector<std::string> lines = {mount.mountpoint +
                                    "   buffers: # frame  H held  > filled  . empty  ~ new pages  "
                                    "! aside"};
  for (const MonitoredDevice& device : mount.devices) {
    lines.emplace_back();
    RenderDevice(device, width, lines);
  }
  for (std::string& line : lines) {
    if (line.size() > width) line.resize(width);
  }
  return lines;
}

nlohmann::ordered_json ToJson(const MonitoredDevice& device) {
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
  return {{"device", d.name},
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
