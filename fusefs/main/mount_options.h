// SPDX-License-Identifier: Apache-2.0
//
// The words of -o: those that are the daemon's own, those that mean something to mount(8) only, and
// those that go on to libfuse and mount(2).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/main/options.h"

namespace grabfs {

struct MountOption {
  std::string_view name;  // with its = when it takes a value
  std::string_view help;
  // Of our own; absent: libfuse's or the kernel's, and worth naming to users.
  void (*apply)(const std::string& value, DaemonOptions& options);
};

// Those that the help and completion tell about.
std::span<const MountOption> MountOptions();

// "uid=1000,allow_other". Throws Error(EINVAL).
void ApplyMountOptions(const std::string& words, DaemonOptions& options);

// Without empty parts.
std::vector<std::string> Split(const std::string& text, char separator);

}  // namespace grabfs
