// SPDX-License-Identifier: Apache-2.0
//
// What a shell may offer at the cursor. The shells' own scripts (cli/completions) know nothing of
// our options: they call `PROGRAM --complete WORD...` with the words up to the cursor, the last one
// unfinished, and get a candidate a line, with a tab and an explanation behind it. No candidate
// means that the name of a file may stand there.
#pragma once

#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fusefs/command/command.h"

namespace grabfs {

// The first argument with which a shell asks.
inline constexpr std::string_view kCompleteOption = "--complete";

struct Candidate {
  std::string text;  // a whole word; one that ends with = : or , goes on
  std::string help;
};

using Candidates = std::vector<Candidate>;

// The values there are for an option or an argument, by what the help calls it ("DEVICE"). `word`
// is what has been typed of it; it need not be looked at unless the candidates depend on it.
using Values = std::function<Candidates(const std::string& name, const std::string& word)>;

// `words` behind the name of the program; the last is the unfinished one.
Candidates Complete(const Command& command, std::span<const std::string> words,
                    const Values& values);

// The value that the option `name` has among `words`, or nothing.
std::string OptionValue(std::span<const std::string> words, std::string_view name);

// Those that begin with `word`.
Candidates StartingWith(const std::string& word, Candidates candidates);

// As shells read them.
void Print(std::ostream& out, const Candidates& candidates);

}  // namespace grabfs
