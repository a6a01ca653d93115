// SPDX-License-Identifier: Apache-2.0
//
// Prints the text of --help. CLI11's own text is not used, because its layout differs between
// releases and the manual pages are made from this text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "fusefs/command/command.h"

namespace grabfs {

// Ends with a line end. Lines of options and arguments are broken at 96 columns.
std::string Help(const Command& command);

// `name` with two blanks before it, and blanks behind it up to `column` (one if it is longer): the
// beginning of a line of the help.
std::string HelpEntry(std::string_view name, size_t column);

// `text` in lines of at most `width` columns, broken at blanks.
std::string Wrap(std::string_view text, size_t width);

}  // namespace grabfs
