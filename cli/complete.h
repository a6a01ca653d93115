// SPDX-License-Identifier: Apache-2.0
//
// Completion of grabfs-cli's command line: verbs, their options, and what the mount knows: devices,
// attributes, files of alloc/.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/context.h"
#include "fusefs/command/completion.h"

namespace grabfs::cli {

// `words` behind the name of the program, the last one unfinished. Never throws for want of a
// mount: then there is less to offer.
Candidates CompleteCli(const std::vector<std::string>& words, const Context& context);

// The same for a command line that is not a verb's: `name` tells whose, for values that differ.
Candidates CompleteFor(std::string_view name, const Command& command,
                       std::span<const std::string> words, const Context& context);

}  // namespace grabfs::cli
