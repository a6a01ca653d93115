// SPDX-License-Identifier: Apache-2.0
#include "cli/mount/events.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/base/exit_code.h"
#include "cli/mount/status.h"
#include "fusefs/base/error.h"

namespace grabfs::cli {
namespace {

// Far longer than any line of grabfs; a longer line means that this is another file.
constexpr size_t kMaxLine = size_t{1} << 20;

Event::Kind ParseKind(const std::string& name) {
  static const std::map<std::string, Event::Kind> kKinds = {
      {"frame", Event::Kind::kFrame}, {"drop", Event::Kind::kDrop}, {"error", Event::Kind::kError},
      {"state", Event::Kind::kState}, {"lost", Event::Kind::kLost}, {"into", Event::Kind::kInto},
  };
  const auto found = kKinds.find(name);
  return found == kKinds.end() ? Event::Kind::kOther : found->second;
}

uint64_t CountOr(const nlohmann::json& event, const char* key, uint64_t absent) {
  const auto found = event.find(key);
  return found == event.end() ? absent : ToCount(*found);
}

}  // namespace

Event ParseEvent(std::string_view line) {
  const nlohmann::json json = ParseJson(line, "events");
  try {
    Event event;
    event.kind = ParseKind(json.at("event").get<std::string>());
    event.sequence = CountOr(json, "sequence", event.sequence);
    // An error without a sequence number is about no frame.
    const bool about_none = event.kind == Event::Kind::kError && !json.contains("sequence");
    event.count = CountOr(json, "count", about_none ? 0 : event.count);
    event.timestamp_ns = CountOr(json, "timestamp_ns", event.timestamp_ns);
    event.reason = json.value("reason", event.reason);
    event.file = json.value("file", event.file);
    event.state = json.value("state", event.state);
    return event;
  } catch (const nlohmann::json::exception& e) {
    throw Error(EPROTO, std::string("events: not an event: ") + e.what());
  }
}

EventReader::EventReader(const MountFile& file, std::string device)
    : EventReader(Open(file, O_RDONLY | O_NONBLOCK), file.path().string(), std::move(device)) {}

EventReader::EventReader(UniqueFd events, std::string path, std::string device)
    : device_(std::move(device)),
      path_(std::move(path)),
      fd_(std::move(events)),
      readiness_(fd_.get()) {}

std::optional<Event> EventReader::Next(const Deadline& deadline) {
  for (;;) {
    if (const std::optional<std::string> line = TakeLine()) return ParseEvent(*line);
    if (!Fill(deadline)) return std::nullopt;
  }
}

std::optional<std::string> EventReader::TakeLine() {
  const size_t end = pending_.find('\n');
  if (end == std::string::npos) {
    if (pending_.size() > kMaxLine) throw Error(EPROTO, path_ + ": a line without an end");
    return std::nullopt;
  }
  std::string line = pending_.substr(0, end);
  pending_.erase(0, end + 1);
  return line;
}

bool EventReader::Fill(const Deadline& deadline) {
  std::array<char, 16384> chunk;
  for (;;) {
    const ssize_t got = ::read(fd_.get(), chunk.data(), chunk.size());
    if (got > 0) {
      pending_.append(chunk.data(), static_cast<size_t>(got));
      return true;
    }
    if (got == 0 || errno == ENODEV) throw NoDeviceError(device_ + ": the device has gone away");
    if (errno == EINTR) continue;
    if (errno != EAGAIN) ThrowErrno(path_);
    if (readiness_.Await(deadline) == Readiness::Outcome::kTimeout) return false;
  }
}

}  // namespace grabfs::cli
