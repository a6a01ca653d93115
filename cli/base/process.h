// SPDX-License-Identifier: Apache-2.0
//
// Finds and runs other programs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/base/context.h"
#include "cli/base/deadline.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {

// Looks for a program in the directory of this program, then in $PATH.
std::optional<std::filesystem::path> FindProgram(const Context& context, const std::string& name);

// Runs it with this process's descriptors and environment, and waits. Returns its exit status, or
// 128 + N when signal N ended it. Throws Error when it cannot be started.
int RunProgram(const std::filesystem::path& program, const std::vector<std::string>& args);

// A pidfd, which becomes readable when the process ends; invalid: there is no such process.
UniqueFd WatchProcess(int64_t pid);
// False: the process has not ended in time.
bool AwaitEnd(const UniqueFd& process, const Deadline& deadline);

}  // namespace grabfs::cli
