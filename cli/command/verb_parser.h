// SPDX-License-Identifier: Apache-2.0
//
// Parses the command line of one verb, prints its help text, and describes it for completion.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/command/verb.h"
#include "fusefs/command/command.h"

namespace grabfs::cli {

class VerbParser {
 public:
  // `verb` must outlive this; Parse() sets its members.
  VerbParser(const VerbEntry& entry, Verb& verb);

  // Throws CLI::ParseError, of which CLI::CallForHelp is one kind.
  void Parse(std::vector<std::string> args);

  // --quiet was given.
  [[nodiscard]] bool quiet() const { return quiet_; }

  [[nodiscard]] std::string Help() const;
  [[nodiscard]] Command Describe() const;

 private:
  CLI::App app_;
  bool quiet_ = false;
  std::vector<std::string>* command_;  // words behind "--", of a verb that takes them
};

// The verb of that name. Throws UsageError.
const VerbEntry& FindVerb(const std::string& name);

}  // namespace grabfs::cli
