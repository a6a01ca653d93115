// SPDX-License-Identifier: Apache-2.0
//
// Other programs: where they are, and running one to its end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/deadline.h"
#include "fusefs/base/unique_fd.h"

namespace grabfs::cli {

// Beside this program, else in $PATH.
std::optional<std::filesystem::path> FindProgram(const Context& context, const std::string& name);

// Runs it with this process's descriptors and environment, and waits. Returns its exit status, or
// 128 + N when signal N ended it. Throws Error when it cannot be started.
int RunProgram(const std::filesystem::path& program, const std::vector<std::string>& args);

// A descriptor that becomes readable when the process ends; invalid when there is none such.
UniqueFd WatchProcess(int64_t pid);
// False when it has not ended in time.
bool AwaitEnd(const UniqueFd& process, const Deadline& deadline);

}  // namespace grabfs::cli
