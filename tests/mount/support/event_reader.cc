// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/support/event_reader.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "fusefs/base/error.h"
#include "tests/mount/support/file.h"

namespace grabfs::mount_test {

EventReader::EventReader(const Device& device)
    : fd_(Open(device.Path("events"), O_RDONLY | O_NONBLOCK)) {}

bool EventReader::Fill(std::chrono::milliseconds patience) {
  pollfd waiting{fd_.get(), POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(patience.count())) != 1) return false;
  std::array<char, 65536> chunk{};
  const ssize_t got = CheckSyscall(::read(fd_.get(), chunk.data(), chunk.size()), "read events");
  if (got == 0) return false;
  pending_.append(chunk.data(), static_cast<size_t>(got));
  if (pending_.back() != '\n') throw std::runtime_error("half a line in events: " + pending_);
  return true;
}

std::optional<nlohmann::json> EventReader::Next(std::chrono::milliseconds patience) {
  if (pending_.empty() && !Fill(patience)) return std::nullopt;
  const size_t end = pending_.find('\n');
  nlohmann::json event = nlohmann::json::parse(pending_.substr(0, end));
  pending_.erase(0, end + 1);
  return event;
}

nlohmann::json EventReader::NextOf(const std::string& kind) {
  while (const std::optional<nlohmann::json> event = Next()) {
    if (event->at("event") == kind) return *event;
  }
  throw std::runtime_error("no " + kind + " event came");
}

}  // namespace grabfs::mount_test
