// SPDX-License-Identifier: Apache-2.0
//
// A program of the system (cp, ls) as a user would run it, timed from start to end.
#pragma once

#include <string>
#include <vector>

namespace grabfs::bench {

// Seconds that the program took. Its output is thrown away, its messages are not. Throws when it
// cannot be started or fails.
double TimeCommand(const std::vector<std::string>& arguments);

}  // namespace grabfs::bench
