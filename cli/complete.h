// SPDX-License-Identifier: Apache-2.0
//
// Completion of grabfs-cli's command line: verbs, their options, and what the mount knows: devices,
// attributes, files of alloc/.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"
#include "fusefs/command/completion.h"

namespace grabfs::cli {

// `words` behind the name of the program, the last one unfinished. Never throws for want of a
// mount: then there is less to offer.
Candidates CompleteCli(const std::vector<std::string>& words, const Context& context);

}  // namespace grabfs::cli
