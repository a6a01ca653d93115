// SPDX-License-Identifier: Apache-2.0
//
// Completion of grabfs-cli's command line: verbs, their options, and what the mount knows: devices,
// attributes, files of alloc/.
#pragma once

#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/base/context.h"
#include "fusefs/command/completion.h"

namespace grabfs::cli {

// `words`: behind the name of the program; the last one is unfinished. Without a mount it returns
// fewer candidates, and does not throw.
Candidates CompleteCli(const std::vector<std::string>& words, const Context& context);

// The same for another program with such a command line; `name`: its name, for values that differ.
Candidates CompleteFor(std::string_view name, const Command& command,
                       std::span<const std::string> words, const Context& context);

// Prints what `complete` returns, or nothing if that takes two seconds, because a mount does not
// answer: nobody waits for that with the cursor on his line.
void PrintInTime(std::ostream& out, const std::function<Candidates()>& complete);

}  // namespace grabfs::cli
