// SPDX-License-Identifier: Apache-2.0
//
// A mount, and grabfs-cli run on it as a user types it.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "tests/mount/support/fixture.h"

namespace grabfs::mount_test {

// The exit statuses that docs/cli.md promises.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kNoDevice = 3;
inline constexpr int kTimeout = 4;
inline constexpr int kDropped = 5;

class CliTest : public MountTest {
 protected:
  // Runs it with --mount, so that other mounts of the machine do not matter.
  [[nodiscard]] CommandResult Cli(const std::vector<std::string>& arguments) const {
    std::vector<std::string> command = {CliPath(), "--mount", mount().path()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return RunCommand(command);
  }

  static std::vector<std::string> Lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
  }
};

}  // namespace grabfs::mount_test
