// SPDX-License-Identifier: Apache-2.0
//
// The options of -o: those of the daemon, those that only mount(8) uses, and those that are passed
// on to libfuse and mount(2).
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
  // nullptr: an option of libfuse or the kernel, listed here for the help text.
  void (*apply)(const std::string& value, DaemonOptions& options);
};

// The options in the help text and in completion.
std::span<const MountOption> MountOptions();

// Whether a word is only for mount(8) and systemd, which fstab may have.
bool IsForMount(const std::string& word);

// "uid=1000,allow_other". Throws Error(EINVAL).
void ApplyMountOptions(const std::string& words, DaemonOptions& options);

// Without empty parts.
std::vector<std::string> Split(const std::string& text, char separator);

}  // namespace grabfs
