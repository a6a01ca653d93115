// SPDX-License-Identifier: Apache-2.0
//
// Completion of the daemon's command line: options, sources and their keys, mount options.
#pragma once

#include <string>
#include <vector>

#include "fusefs/command/completion.h"

namespace grabfs {

// `words` behind the name of the program, the last one unfinished.
Candidates CompleteDaemon(const std::vector<std::string>& words);

}  // namespace grabfs
