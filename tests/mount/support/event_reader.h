// SPDX-License-Identifier: Apache-2.0
//
// Reads a device's `events`, line by line, with time limits.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "fusefs/base/unique_fd.h"
#include "tests/mount/support/device.h"
#include "tests/mount/support/wait.h"

namespace grabfs::mount_test {

class EventReader {
 public:
  // Sees what happens from now on.
  explicit EventReader(const Device& device);

  // The next event; nullopt: none came in time. Throws Error if read() fails, std::runtime_error if
  // it returned anything but whole lines.
  std::optional<nlohmann::json> Next(std::chrono::milliseconds patience = kPatience);
  // The next event of this kind, skipping others; throws std::runtime_error when none comes.
  nlohmann::json NextOf(const std::string& kind);
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  bool Fill(std::chrono::milliseconds patience);

  UniqueFd fd_;
  std::string pending_;
};

}  // namespace grabfs::mount_test
