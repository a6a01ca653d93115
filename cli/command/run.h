// SPDX-License-Identifier: Apache-2.0
//
// grabfs-cli as a function: arguments in, exit status out.
#pragma once

#include <string>
#include <vector>

#include "cli/base/context.h"
#include "cli/command/verb.h"

namespace grabfs::cli {

// `args` without the program's name. Never throws: every failure is one line on context.err.
ExitCode Run(const std::vector<std::string>& args, Context& context);

// The text of `grabfs-cli --help`, and of `grabfs-cli VERB --help`.
std::string OverviewHelp();
std::string VerbHelp(const VerbEntry& entry);

}  // namespace grabfs::cli
