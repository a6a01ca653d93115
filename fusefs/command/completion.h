// SPDX-License-Identifier: Apache-2.0
//
// Completion of command lines in shells. The shells' scripts (cli/completions) know nothing of our
// options: they call `PROGRAM --complete WORD...` with the words up to the cursor, the last one
// unfinished. They get one candidate a line, with a tab and an explanation behind it. If there is
// none, the shell completes file names.
#pragma once

#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/command/command.h"

namespace grabfs {

// The first argument of such a call.
inline constexpr std::string_view kCompleteOption = "--complete";

struct Candidate {
  std::string text;  // a whole word; after one that ends with = : or , the shell adds no blank
  std::string help;
};

using Candidates = std::vector<Candidate>;

// Returns the candidates for the value of an option or argument, by its placeholder in the help
// ("DEVICE"). `word`: the part that was typed; it may be ignored, because the caller filters.
using Values = std::function<Candidates(const std::string& name, const std::string& word)>;

// `words`: behind the name of the program; the last one is unfinished.
Candidates Complete(const Command& command, std::span<const std::string> words,
                    const Values& values);

// The value of the option `name` in `words`; empty: it is not there.
std::string OptionValue(std::span<const std::string> words, std::string_view name);

// The candidates that begin with `word`.
Candidates StartingWith(const std::string& word, Candidates candidates);

// Prints them as the shells' scripts read them.
void Print(std::ostream& out, const Candidates& candidates);

}  // namespace grabfs
