// SPDX-License-Identifier: Apache-2.0
//
// The command line of one verb: parsed, explained in a help text, and described for completion.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/verb.h"
#include "fusefs/command/command.h"

namespace grabfs::cli {

class VerbParser {
 public:
  // `verb` must live as long; Parse() fills its members.
  VerbParser(const VerbEntry& entry, Verb& verb);

  // Throws CLI::ParseError, of which CLI::CallForHelp is one kind.
  void Parse(std::vector<std::string> args);

  [[nodiscard]] std::string Help() const;
  [[nodiscard]] Command Describe() const;

 private:
  CLI::App app_;
};

// The verb of that name. Throws UsageError.
const VerbEntry& FindVerb(const std::string& name);

}  // namespace grabfs::cli
